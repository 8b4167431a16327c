// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import {
  integerFromLittleEndian,
  integerToLittleEndian,
  requireZero,
  sameBytes,
  toHex,
} from "./bytes.ts";
import { codeOf, failureOf } from "./testing.ts";

test("long integers are little-endian, of exactly the size asked for", () => {
  expect(integerFromLittleEndian(Uint8Array.of(1, 2, 0))).toBe(0x201n);
  expect(integerFromLittleEndian(new Uint8Array(0))).toBe(0n);
  expect(toHex(integerToLittleEndian(0x201n, 3))).toBe("010200");
  expect(codeOf(() => integerToLittleEndian(256n, 1))).toBe("SGX_LIMIT");
  expect(codeOf(() => integerToLittleEndian(-1n, 1))).toBe("SGX_LIMIT");
});

test("comparison looks at content and length", () => {
  expect(sameBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
  expect(sameBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
  expect(sameBytes(Uint8Array.of(1, 2), Uint8Array.of(1))).toBe(false);
});

test("a reserved byte that is set is named by its offset", () => {
  const bytes = Uint8Array.of(9, 0, 0, 7, 9);
  expect(failureOf(() => requireZero(bytes, 1, 5, "x"))?.message).toContain("offset 3");
  expect(failureOf(() => requireZero(bytes, 1, 3, "x"))).toBeUndefined();
});
