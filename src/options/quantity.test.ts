// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { parseSize, parseWide } from "./quantity.ts";

test("sizes as runc's flags take them", () => {
  const rows: [string, bigint | undefined][] = [
    ["0", 0n],
    ["1024", 1024n],
    ["-1", -1n],
    ["1b", 1n],
    ["32k", 32_768n],
    ["32K", 32_768n],
    ["32kb", 32_768n],
    ["32KiB", 32_768n],
    ["32 kB", 32_768n],
    ["512m", 536_870_912n],
    ["1.5g", 1_610_612_736n],
    ["0.5k", 512n],
    ["2T", 2n << 40n],
    ["1P", 1n << 50n],
    ["9223372036854775807", 2n ** 63n - 1n],
    ["9223372036854775808", undefined],
    ["9000P", undefined],
    ["9999999999999999999P", undefined],
    ["", undefined],
    ["-2", undefined],
    ["-1k", undefined],
    ["1e3", undefined],
    ["0x10", undefined],
    ["k", undefined],
    [".5k", undefined],
    ["1.k", undefined],
    ["1.2.3", undefined],
    ["32  k", undefined],
    ["32kk", undefined],
    ["32q", undefined],
    ["32\n", undefined],
  ];
  for (const [text, size] of rows) expect([text, parseSize(text)]).toEqual([text, size]);
});

test("wide integers", () => {
  const max = 2n ** 64n - 1n;
  expect(parseWide("18446744073709551615", 0n, max)).toBe(max);
  expect(parseWide("18446744073709551616", 0n, max)).toBeUndefined();
  expect(parseWide("-1", -1n, max)).toBe(-1n);
  expect(parseWide("-2", -1n, max)).toBeUndefined();
  for (const text of ["", "-", "1.0", "1e3", " 1", "0x1", "+1", "1".repeat(21)]) {
    expect(parseWide(text, 0n, max)).toBeUndefined();
  }
});
