// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { parseContainerId } from "./container-id.ts";

test("ids that engines use are accepted", () => {
  for (const id of ["a", "c1", "web_1+x.y-z", "...", "-x", "f".repeat(64), "a".repeat(1024)]) {
    expect<string>(parseContainerId(id)).toBe(id);
  }
});

test("ids that could leave the state directory or drive a terminal are refused", () => {
  for (const id of [
    "",
    ".",
    "..",
    "a/b",
    "/",
    "a b",
    "a\n",
    "a\0",
    "ä",
    "a".repeat(1025),
    "\u001b[2J",
  ]) {
    expect(() => parseContainerId(id)).toThrow("container id `");
  }
});
