// SPDX-License-Identifier: Apache-2.0
/** `linux.seccomp` to a classic BPF program, by runc's rules. */
import { RuneError } from "../errors/error.ts";
import type { Fd, Kernel } from "../kernel/kernel.ts";
import { readToEnd } from "../kernel/kernel.ts";
import type {
  Seccomp,
  SeccompAction,
  SeccompArchitecture,
  SeccompArgument,
  SeccompOperator,
  SeccompRule,
} from "../oci/config-linux.ts";
import { architectures, type KnownArchitecture } from "./architectures.ts";
import { enosysStub } from "./enosys-stub.ts";
import type { Comparison, SeccompFilter, SeccompLibrary } from "./library.ts";

/** BPF_MAXINSNS, 8 bytes each. */
export const filterMaxBytes = 4096 * 8 * 8;

/** SECCOMP_RET_* of linux/seccomp.h; the low 16 bits are errno or the tracer's message. */
const actions: Readonly<Record<SeccompAction, number>> = {
  SCMP_ACT_KILL: 0,
  SCMP_ACT_KILL_THREAD: 0,
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_ERRNO: 0x00050000,
  SCMP_ACT_TRACE: 0x7ff00000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ALLOW: 0x7fff0000,
  SCMP_ACT_NOTIFY: 0x7fc00000,
};

/** enum scmp_compare. */
const operators: Readonly<Record<SeccompOperator, number>> = {
  SCMP_CMP_NE: 1,
  SCMP_CMP_LT: 2,
  SCMP_CMP_LE: 3,
  SCMP_CMP_EQ: 4,
  SCMP_CMP_GE: 5,
  SCMP_CMP_GT: 6,
  SCMP_CMP_MASKED_EQ: 7,
};

const EPERM = 1;

/** The filter's bytes, 8 an instruction. @throws RuneError CONFIG_UNSUPPORTED, CONFIG_INVALID */
export function compileFilter(
  kernel: Kernel,
  library: SeccompLibrary,
  seccomp: Seccomp,
): Uint8Array {
  const known = architecturesOf(seccomp);
  const defaultAction = actionValue(seccomp.defaultAction, seccomp.defaultErrnoRet);
  const filter = library.start(defaultAction);
  try {
    for (const architecture of known) filter.addArchitecture(architectures[architecture]);
    for (const rule of seccomp.syscalls ?? []) addRule(library, filter, rule, defaultAction);
    const program = exported(kernel, filter);
    const stub = enosysStub(library, seccomp, known);
    const whole = new Uint8Array(stub.length + program.length);
    whole.set(stub);
    whole.set(program, stub.length);
    return whole;
  } finally {
    filter.release();
  }
}

/** SECCOMP_FILTER_FLAG_* for seccomp(2). TSYNC means nothing to a process with one thread. */
export function filterFlags({ flags = [] }: Seccomp): number {
  const bits = { LOG: 2, SPEC_ALLOW: 4, TSYNC: 0, WAIT_KILLABLE_RECV: 0 } as const;
  return flags.reduce((value, flag) => {
    const name = flag.replace("SECCOMP_FILTER_FLAG_", "");
    // The parser has accepted these four names only.
    return value | bits[name as keyof typeof bits];
  }, 0);
}

/** The native one always, as libseccomp has it. */
function architecturesOf({ architectures: wanted = [] }: Seccomp): KnownArchitecture[] {
  const known = wanted.filter(isKnown);
  return [...new Set<KnownArchitecture>(["SCMP_ARCH_X86_64", ...known])];
}

function isKnown(name: SeccompArchitecture): name is KnownArchitecture & SeccompArchitecture {
  return Object.hasOwn(architectures, name);
}

function actionValue(action: SeccompAction, errno: number | undefined): number {
  if (action === "SCMP_ACT_NOTIFY") {
    throw new RuneError({
      code: "CONFIG_UNSUPPORTED",
      doing: "config `linux.seccomp`",
      reason: "SCMP_ACT_NOTIFY cannot be done yet",
    });
  }
  const takesErrno = action === "SCMP_ACT_ERRNO" || action === "SCMP_ACT_TRACE";
  return (actions[action] | (takesErrno ? (errno ?? EPERM) & 0xffff : 0)) >>> 0;
}

function addRule(
  library: SeccompLibrary,
  filter: SeccompFilter,
  rule: SeccompRule,
  defaultAction: number,
): void {
  const action = actionValue(rule.action, rule.errnoRet);
  // libseccomp refuses a rule that says what happens anyway.
  if (action === defaultAction) return;
  for (const name of rule.names) {
    const number = library.number(name, 0);
    if (number === undefined) continue; // newer or older than libseccomp: runc skips it too
    for (const comparisons of alternatives(rule.args ?? [])) {
      filter.addRule(action, number, comparisons);
    }
  }
}

/**
 * Conditions on different arguments must all hold; several on one argument cannot be expressed in one
 * rule, and runc makes a rule of each: any may hold.
 */
function alternatives(args: readonly SeccompArgument[]): Comparison[][] {
  const comparisons = args.map(({ index, op, value, valueTwo }) => ({
    index,
    operator: operators[op],
    value,
    valueTwo: valueTwo ?? 0n,
  }));
  const indexes = new Set(args.map(({ index }) => index));
  return indexes.size < args.length ? comparisons.map((one) => [one]) : [comparisons];
}

function exported(kernel: Kernel, filter: SeccompFilter): Uint8Array {
  const fd = kernel.memfd("seccomp");
  try {
    filter.exportTo(fd);
    return fromStart(kernel, fd);
  } finally {
    kernel.close(fd);
  }
}

/** libseccomp has left the descriptor at its end. */
function fromStart(kernel: Kernel, fd: Fd): Uint8Array {
  const path = `/proc/self/fd/${fd}`;
  const again = kernel.open(path, 0 /* O_RDONLY */);
  try {
    return readToEnd(kernel, again, path, filterMaxBytes);
  } finally {
    kernel.close(again);
  }
}
