// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { parseDuration } from "./duration.ts";

test("times as Go reads them", () => {
  const times: Readonly<Record<string, number>> = {
    "5s": 5000,
    "100ms": 100,
    "1h15m30.5s": 4_530_500,
    "1.5h": 5_400_000,
    ".5s": 500,
    "+2m": 120_000,
    "-1s": -1000,
    "0": 0,
    "-0": 0,
    "1us": 0.001,
    "1\u00b5s": 0.001,
    "1000000ns": 1,
  };
  for (const [text, ms] of Object.entries(times)) {
    expect(parseDuration(text), text).toBeCloseTo(ms);
  }
  for (const text of ["", "5", "s", "5x", "1s2", "1 s", "1s ", ".s", "--1s", "1e3s", "\n"]) {
    expect(parseDuration(text), text).toBeUndefined();
  }
});
