// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { hasOomKills } from "./oom-kills.ts";
import { directoryOf, type Files, hostWith } from "./testing.ts";

function killed(version: 1 | 2, files: Files): boolean {
  return hasOomKills(hostWith(version, files), [directoryOf(version)]);
}

test.each([
  ["oom_kill_disable 0\nunder_oom 0\noom_kill 1\n", true],
  ["oom_kill_disable 0\nunder_oom 0\noom_kill 0\n", false],
  ["oom_kill_disable 1\nunder_oom 0\n", false], // before Linux 4.13
])("version 1: %p", (text, expected) => {
  expect(killed(1, { "memory.oom_control": text })).toBe(expected);
});

test("version 2, with and without a memory controller", () => {
  expect(killed(2, { "memory.events": "low 0\nmax 3\noom 1\noom_kill 2\n" })).toBe(true);
  expect(killed(2, { "memory.events": "low 0\nmax 3\noom 1\noom_kill 0\n" })).toBe(false);
  expect(killed(2, {})).toBe(false);
});

test("other hierarchies of version 1 are not looked at", () => {
  const kernel = hostWith(1, { "memory.oom_control": "oom_kill 1\n" });
  expect(hasOomKills(kernel, [{ ...directoryOf(1), controllers: ["cpu"] }])).toBe(false);
});
