// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import {
  type SeccompAction,
  type SeccompArchitecture,
  seccompOperators,
} from "../oci/config-linux.ts";
import { notifies, toFlags, toRules } from "./rules.ts";

/** SECCOMP_RET_* of linux/seccomp.h, written down once more. */
const verdicts: [SeccompAction, number | undefined, number][] = [
  ["SCMP_ACT_KILL", undefined, 0],
  ["SCMP_ACT_KILL_THREAD", undefined, 0],
  ["SCMP_ACT_KILL_PROCESS", undefined, 0x80000000],
  ["SCMP_ACT_TRAP", undefined, 0x30000],
  ["SCMP_ACT_ERRNO", undefined, 0x50001],
  ["SCMP_ACT_ERRNO", 0, 0x50000],
  ["SCMP_ACT_ERRNO", 38, 0x50026],
  ["SCMP_ACT_TRACE", undefined, 0x7ff00001],
  ["SCMP_ACT_TRACE", 0xffff, 0x7ff0ffff],
  ["SCMP_ACT_LOG", undefined, 0x7ffc0000],
  ["SCMP_ACT_ALLOW", undefined, 0x7fff0000],
];

test.each(verdicts)("%s with errno %p is 0x%p", (action, errno, expected) => {
  const errnoRet = errno === undefined ? {} : { errnoRet: errno };
  const defaultErrnoRet = errno === undefined ? {} : { defaultErrnoRet: errno };
  const { defaultAction, groups } = toRules({
    defaultAction: action,
    ...defaultErrnoRet,
    syscalls: [{ names: ["read"], action, ...errnoRet }],
  });
  expect(defaultAction).toBe(expected);
  expect(groups[0]?.action).toBe(expected);
});

test("conditions on different arguments have to hold together", () => {
  expect(alternatives([0, 1, 5])).toHaveLength(1);
  expect(alternatives([0, 1, 5])[0]?.map(({ index }) => index)).toEqual([0, 1, 5]);
});

test("two conditions on one argument make each condition a rule of its own", () => {
  expect(alternatives([0, 1, 0]).map((tests) => tests.map(({ index }) => index))).toEqual([
    [0],
    [1],
    [0],
  ]);
});

test("without conditions a rule always holds", () => {
  expect(alternatives([])).toEqual([[]]);
});

test("operators have libseccomp's numbers, and values keep 64 bits", () => {
  const value = 0xffff_ffff_ffff_fffen;
  const args = seccompOperators.map((op, i) => ({ index: i % 6, value, valueTwo: 7n, op }));
  const { groups } = toRules(profile([{ names: ["read"], action: "SCMP_ACT_ALLOW", args }]));
  const tests = groups[0]?.alternatives.flat() ?? [];
  // SCMP_CMP_NE 1, LT 2, LE 3, EQ 4, GE 5, GT 6, MASKED_EQ 7: seccomp.h
  expect(tests.map(({ comparison }) => comparison)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(tests.every(({ a, b }) => a === value && b === 7n)).toBe(true);
});

test("the machine's own architecture is always there, those of other machines never", () => {
  const tokens = (...architectures: SeccompArchitecture[]) =>
    toRules({ ...profile([]), architectures }).architectures;
  expect(toRules(profile([])).architectures).toEqual([0xc000003e]);
  expect(tokens("SCMP_ARCH_MIPS", "SCMP_ARCH_AARCH64")).toEqual([0xc000003e]);
  expect(tokens("SCMP_ARCH_X32", "SCMP_ARCH_X86", "SCMP_ARCH_X86_64", "SCMP_ARCH_X86")).toEqual([
    0xc000003e, 0x40000003, 0x4000003e,
  ]);
});

test("flags are the kernel's; those that mean nothing here have no bit", () => {
  expect(toFlags()).toBe(0);
  expect(toFlags(["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_LOG"])).toBe(2);
  expect(toFlags(["SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_LOG"])).toBe(6);
  expect(toFlags(["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"])).toBe(0);
});

test("a filter has a listener only where a rule notifies", () => {
  const notify = { names: ["mkdir"], action: "SCMP_ACT_NOTIFY" } as const;
  const read = { names: ["read"], action: "SCMP_ACT_ALLOW" } as const;
  expect(notifies(profile([read, notify]))).toBe(true);
  expect(notifies({ ...profile([read]), listenerPath: "/run/x" })).toBe(false);
  expect(toRules(profile([notify])).groups[0]?.action).toBe(0x7fc00000);
});

test("WAIT_KILLABLE_RECV is for filters with a listener", () => {
  const flags = ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", "SECCOMP_FILTER_FLAG_TSYNC"] as const;
  expect(toFlags(flags, false)).toBe(0);
  expect(toFlags(flags, true)).toBe(32);
});

type Rules = NonNullable<Parameters<typeof toRules>[0]["syscalls"]>;

function profile(syscalls: Rules) {
  return { defaultAction: "SCMP_ACT_ERRNO", syscalls } as const;
}

function alternatives(indices: readonly number[]) {
  const args = indices.map((index) => ({ index, value: 1n, op: "SCMP_CMP_EQ" as const }));
  const { groups } = toRules(profile([{ names: ["read"], action: "SCMP_ACT_ALLOW", args }]));
  return groups[0]?.alternatives ?? [];
}
