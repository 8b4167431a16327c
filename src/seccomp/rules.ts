// SPDX-License-Identifier: Apache-2.0
/** `linux.seccomp` as libseccomp sees it: numbers for words, one rule for every alternative. Pure. */
import { type ArgumentTest, comparisons } from "../kernel/seccomp-library.ts";
import type {
  Seccomp,
  SeccompAction,
  SeccompArchitecture,
  SeccompArgument,
  SeccompFlag,
  SeccompOperator,
  SeccompRule,
} from "../oci/config-linux.ts";
import { architectures, verdict } from "./bpf.ts";

export type RuleGroup = {
  readonly names: readonly string[];
  readonly action: number;
  /** The rule holds where all tests of one of these do; an empty list of tests always does. */
  readonly alternatives: readonly (readonly ArgumentTest[])[];
};

/** All a compiled filter depends on, but for the compiler. */
export type FilterRules = {
  readonly defaultAction: number;
  /** libseccomp's tokens; the machine's own, which is part of every filter, first. */
  readonly architectures: readonly number[];
  readonly groups: readonly RuleGroup[];
};

/** Whether the filter has a listener; a `listenerPath` alone makes none. */
export function notifies({ syscalls = [] }: Seccomp): boolean {
  return syscalls.some(({ action }) => action === "SCMP_ACT_NOTIFY");
}

export function toRules(profile: Seccomp): FilterRules {
  return {
    defaultAction: toVerdict(profile.defaultAction, profile.defaultErrnoRet),
    architectures: toTokens(profile.architectures ?? []),
    groups: (profile.syscalls ?? []).map(toGroup),
  };
}

/**
 * SECCOMP_FILTER_FLAG_* of linux/seccomp.h. Not every word has a bit: at load time there is one
 * thread, for which TSYNC means nothing (runc leaves it out too), and the kernel refuses
 * WAIT_KILLABLE_RECV, which is about listeners, where there is none.
 */
export function toFlags(words: readonly SeccompFlag[] = [], listens = false): number {
  const flags = words.reduce((flags, word) => flags | flagBits[word], 0);
  return listens && words.includes("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV")
    ? flags | (1 << 5)
    : flags;
}

const flagBits: Readonly<Record<SeccompFlag, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: 0,
  SECCOMP_FILTER_FLAG_LOG: 1 << 1,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 1 << 2,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 0,
};

/** The others are left out: profiles name what other machines need, and no call here can be of it. */
function toTokens(names: readonly SeccompArchitecture[]): number[] {
  const { x86_64, x86, x32 } = architectures;
  return [
    x86_64,
    ...(names.includes("SCMP_ARCH_X86") ? [x86] : []),
    ...(names.includes("SCMP_ARCH_X32") ? [x32] : []),
  ];
}

function toGroup({ names, action, errnoRet, args = [] }: SeccompRule): RuleGroup {
  return { names, action: toVerdict(action, errnoRet), alternatives: alternatives(args) };
}

/**
 * All arguments have to match, unless two entries are about the same one: then each entry is a rule of
 * its own, and one match is enough. No specification says so; runc does it, and profiles count on it.
 */
function alternatives(args: readonly SeccompArgument[]): ArgumentTest[][] {
  const tests = args.map(toTest);
  const distinct = new Set(args.map(({ index }) => index)).size === args.length;
  return distinct ? [tests] : tests.map((test) => [test]);
}

function toTest({ index, value, valueTwo = 0n, op }: SeccompArgument): ArgumentTest {
  return { index, comparison: operators[op], a: value, b: valueTwo };
}

const operators: Readonly<Record<SeccompOperator, number>> = {
  SCMP_CMP_NE: comparisons.notEqual,
  SCMP_CMP_LT: comparisons.less,
  SCMP_CMP_LE: comparisons.lessOrEqual,
  SCMP_CMP_EQ: comparisons.equal,
  SCMP_CMP_GE: comparisons.greaterOrEqual,
  SCMP_CMP_GT: comparisons.greater,
  SCMP_CMP_MASKED_EQ: comparisons.maskedEqual,
};

function toVerdict(action: SeccompAction, errno = 1 /* EPERM, as config-linux.md says */): number {
  switch (action) {
    case "SCMP_ACT_KILL":
    case "SCMP_ACT_KILL_THREAD":
      return verdict.killThread;
    case "SCMP_ACT_KILL_PROCESS":
      return verdict.killProcess;
    case "SCMP_ACT_TRAP":
      return verdict.trap;
    case "SCMP_ACT_ERRNO":
      return verdict.errno | errno;
    case "SCMP_ACT_TRACE":
      return verdict.trace | errno;
    case "SCMP_ACT_LOG":
      return verdict.log;
    case "SCMP_ACT_ALLOW":
      return verdict.allow;
    case "SCMP_ACT_NOTIFY":
      return verdict.notify;
  }
}
