// SPDX-License-Identifier: Apache-2.0
/** libseccomp 2.5 through bun:ffi; man pages seccomp_init(3) and following. Loaded only to compile. */
import { dlopen, FFIType, ptr } from "bun:ffi";
import { RuneError } from "../errors/error.ts";

/** One argument condition: struct scmp_arg_cmp, arg u32@0, op u32@4, datum_a u64@8, datum_b u64@16. */
export type Comparison = {
  readonly index: number;
  /** enum scmp_compare. */
  readonly operator: number;
  readonly value: bigint;
  readonly valueTwo: bigint;
};

/** What compiling a filter needs; tests have one of their own. */
export interface SeccompLibrary {
  /** The number of a system call on an architecture; undefined for an unknown name. */
  number(name: string, architecture: number): number | undefined;
  /** Starts a filter with the native architecture. */
  start(defaultAction: number): SeccompFilter;
}

export interface SeccompFilter {
  addArchitecture(architecture: number): void;
  /** All comparisons must hold. */
  addRule(action: number, systemCall: number, comparisons: readonly Comparison[]): void;
  /** Writes the program, 8 bytes an instruction, to the descriptor. */
  exportTo(fd: number): void;
  release(): void;
}

const EEXIST = 17;
const EDOM = 33;
const nativeOnly = 0; // SCMP_ARCH_NATIVE
const noNewPrivs = 3; // SCMP_FLTATR_CTL_NNP

export function openLibrary(): SeccompLibrary {
  const { symbols } = dlopen("libseccomp.so.2", {
    seccomp_init: { args: [FFIType.u32], returns: FFIType.ptr },
    seccomp_release: { args: [FFIType.ptr], returns: FFIType.void },
    seccomp_arch_add: { args: [FFIType.ptr, FFIType.u32], returns: FFIType.i32 },
    seccomp_attr_set: { args: [FFIType.ptr, FFIType.u32, FFIType.u32], returns: FFIType.i32 },
    seccomp_rule_add_array: {
      args: [FFIType.ptr, FFIType.u32, FFIType.i32, FFIType.u32, FFIType.ptr],
      returns: FFIType.i32,
    },
    seccomp_export_bpf: { args: [FFIType.ptr, FFIType.i32], returns: FFIType.i32 },
    seccomp_syscall_resolve_name_arch: { args: [FFIType.u32, FFIType.ptr], returns: FFIType.i32 },
  });
  const encoder = new TextEncoder();
  return {
    number: (name, architecture) => {
      const text = encoder.encode(`${name}\0`);
      const number = symbols.seccomp_syscall_resolve_name_arch(
        architecture || nativeOnly,
        ptr(text),
      );
      // -1 is unknown; other negative numbers stand for calls that another architecture has.
      return number === -1 ? undefined : number;
    },
    start: (defaultAction) => {
      const filter = symbols.seccomp_init(defaultAction);
      if (filter === null) throw failure("start a filter", 0);
      // runelet sets no_new_privs where the configuration says so, and only there.
      check("set an attribute", symbols.seccomp_attr_set(filter, noNewPrivs, 0));
      return {
        addArchitecture: (architecture) => {
          const result = symbols.seccomp_arch_add(filter, architecture);
          if (result !== -EEXIST) check("add an architecture", result);
        },
        addRule: (action, systemCall, comparisons) => {
          const array = encodeComparisons(comparisons);
          const at = comparisons.length === 0 ? null : ptr(array);
          const count = comparisons.length;
          const result = symbols.seccomp_rule_add_array(filter, action, systemCall, count, at);
          // A call that one of the filter's architectures does not have.
          if (result !== -EDOM) check("add a rule", result);
        },
        exportTo: (fd) => check("export the filter", symbols.seccomp_export_bpf(filter, fd)),
        release: () => symbols.seccomp_release(filter),
      };
    },
  };
}

function encodeComparisons(comparisons: readonly Comparison[]): Uint8Array {
  const array = new Uint8Array(Math.max(4096, 24 * comparisons.length));
  const view = new DataView(array.buffer);
  comparisons.forEach(({ index, operator, value, valueTwo }, position) => {
    view.setUint32(24 * position, index, true);
    view.setUint32(24 * position + 4, operator, true);
    view.setBigUint64(24 * position + 8, value, true);
    view.setBigUint64(24 * position + 16, valueTwo, true);
  });
  return array;
}

function check(doing: string, result: number): void {
  if (result < 0) throw failure(doing, -result);
}

function failure(doing: string, errno: number): RuneError {
  return new RuneError({
    code: "CONFIG_INVALID",
    doing: `config \`linux.seccomp\`: ${doing}`,
    reason: `libseccomp refuses it (error ${errno})`,
  });
}
