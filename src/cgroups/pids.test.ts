// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { applied, empty } from "./testing.ts";

test("a number, none, and 0, which is a limit", () => {
  for (const version of [1, 2] as const) {
    const pids = (limit?: bigint) =>
      applied(version, { pids: limit === undefined ? {} : { limit } }, empty("pids.max"));
    expect(pids(100n)).toEqual(["pids.max 100"]);
    expect(pids(-1n)).toEqual(["pids.max max"]);
    expect(pids(0n)).toEqual(["pids.max 1"]);
    expect(pids()).toEqual([]);
  }
});
