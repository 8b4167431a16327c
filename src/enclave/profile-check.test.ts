// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Seccomp } from "../oci/config-linux.ts";
import {
  checkProfile,
  initRuneletCalls,
  simulatorCalls,
  simulatorFidelityCalls,
  simulatorStartCalls,
} from "./profile-check.ts";

const both = { pal: true, simulation: true };
const allowing = (names: readonly string[]): Seccomp => ({
  defaultAction: "SCMP_ACT_ERRNO",
  syscalls: [{ names, action: "SCMP_ACT_ALLOW" }],
});

test("a profile that allows what is needed passes, and so does none", () => {
  checkProfile(undefined, both);
  checkProfile(allowing([...initRuneletCalls, ...simulatorCalls]), both);
  checkProfile({ defaultAction: "SCMP_ACT_ALLOW" }, both);
});

test("the error names the calls that are missing, and only those that this container needs", () => {
  const profile = allowing(initRuneletCalls.filter((name) => name !== "futex"));
  expect(() => checkProfile(profile, { pal: true, simulation: false })).toThrow("forbids: futex");
  expect(() => checkProfile(allowing(initRuneletCalls), both)).toThrow("execveat");
});

test("a forbidding rule counts, one on arguments leaves the default", () => {
  const forbid = (args?: Seccomp["syscalls"]): Seccomp => ({
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: args ?? [{ names: ["mmap"], action: "SCMP_ACT_KILL_PROCESS" }],
  });
  expect(() => checkProfile(forbid(), both)).toThrow("mmap");
  const conditional = { index: 0, value: 1n, op: "SCMP_CMP_EQ" } as const;
  checkProfile(forbid([{ names: ["mmap"], action: "SCMP_ACT_ERRNO", args: [conditional] }]), both);
});

const simulator = resolve(import.meta.dir, "../../native/build/lib/sgxsim");

test.skipIf(!existsSync(simulator))("the simulator's list is its own (needs it built)", () => {
  const { stdout } = Bun.spawnSync([simulator, "--calls"]);
  const own = stdout.toString().trim().split("\n").sort();
  expect([...simulatorCalls, ...simulatorStartCalls, ...simulatorFidelityCalls].sort()).toEqual(
    own,
  );
});
