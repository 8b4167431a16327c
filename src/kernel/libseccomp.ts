// SPDX-License-Identifier: Apache-2.0
/** libseccomp. It is opened when a filter is compiled: a cached one needs nothing of it. */
import { RuneError } from "../errors/error.ts";
import { type Address, addon } from "./addon.ts";
import { O_RDONLY } from "./constants.ts";
import { errnoText } from "./errno.ts";
import { type Kernel, readText, readToEnd } from "./kernel.ts";
import type { ArgumentTest, LibraryFilter, SeccompLibrary } from "./seccomp-library.ts";

const file = "libseccomp.so.2";
/** __NR_SCMP_ERROR */
const noSuchSystemCall = -1;
/** No kernel has a longer one; libseccomp would only find that out by comparing. */
const nameMaxBytes = 127;
/** Far above what the kernel loads (BPF_MAXINSNS, 4096 instructions of 8 bytes). */
const programMaxBytes = 16 << 20;
/** SCMP_FLTATR_CTL_OPTIMIZE and its value for a binary tree. */
const attributeOptimize = 8;
const optimizeTree = 2;

/** The library of this machine. */
export function libseccomp(kernel: Kernel): SeccompLibrary {
  let functions: Functions | undefined;
  const open = () => {
    functions ??= openFunctions();
    return functions;
  };
  const number = (found: number) => (found === noSuchSystemCall ? undefined : found);
  return {
    version: () => versionOf(open()),
    path: () => mappedFile(kernel),
    systemCall: (name) => number(open().seccomp_syscall_resolve_name(string(name))),
    systemCallOf: (architecture, name) =>
      number(open().seccomp_syscall_resolve_name_arch(architecture, string(name))),
    filter: (defaultAction) => new Filter(kernel, open(), defaultAction),
  };
}

class Filter implements LibraryFilter {
  readonly #kernel: Kernel;
  readonly #library: Functions;
  readonly #context: Address;

  constructor(kernel: Kernel, library: Functions, defaultAction: number) {
    const context = library.seccomp_init(defaultAction);
    if (context === 0) throw refusal("make a seccomp filter", "the default action is refused");
    this.#kernel = kernel;
    this.#library = library;
    this.#context = context;
  }

  addArchitecture(architecture: number): void {
    const EEXIST = 17;
    const result = -this.#library.seccomp_arch_add(this.#context, architecture);
    if (result === 0 || result === EEXIST) return;
    const doing = `add architecture 0x${architecture.toString(16)} to the seccomp filter`;
    throw refusal(doing, errnoText(result));
  }

  addRule(action: number, systemCall: number, tests: readonly ArgumentTest[]): void {
    const { seccomp_rule_add_array } = this.#library;
    const address = tests.length === 0 ? 0 : layTests(tests);
    const result = seccomp_rule_add_array(this.#context, action, systemCall, tests.length, address);
    if (result !== 0) throw refusal("add a rule to the seccomp filter", errnoText(-result));
  }

  sortAsTree(): void {
    const { seccomp_attr_set } = this.#library;
    const result = seccomp_attr_set(this.#context, attributeOptimize, optimizeTree);
    if (result !== 0) throw refusal("sort the seccomp filter", errnoText(-result));
  }

  /** Version 2.5 has no seccomp_export_bpf_mem, and a pipe might be too small. */
  export(): Uint8Array {
    const memfd = this.#kernel.memfd("seccomp");
    try {
      const result = this.#library.seccomp_export_bpf(this.#context, memfd);
      if (result !== 0) throw refusal("export the seccomp filter", errnoText(-result));
      // A description of its own, which starts at offset 0.
      const reader = this.#kernel.open(`/proc/self/fd/${memfd}`, O_RDONLY);
      try {
        return readToEnd(this.#kernel, reader, "seccomp filter", programMaxBytes);
      } finally {
        this.#kernel.close(reader);
      }
    } finally {
      this.#kernel.close(memfd);
    }
  }

  [Symbol.dispose](): void {
    this.#library.seccomp_release(this.#context);
  }
}

/** Arguments of a call; large, because the collector may move small arrays. */
const scratch = new Uint8Array(4096);
const scratchAt = addon.addressOf(scratch);
const encoder = new TextEncoder();

/** A NUL-terminated string, valid until the next one; what cannot be a name becomes the empty one. */
function string(text: string): Address {
  const { read, written } = encoder.encodeInto(text, scratch.subarray(0, nameMaxBytes));
  const isName = read === text.length && !text.includes("\0");
  scratch[isName ? written : 0] = 0;
  return scratchAt;
}

/** struct scmp_arg_cmp, 24 bytes: arg u32@0, op u32@4, datum_a u64@8, datum_b u64@16. */
function layTests(tests: readonly ArgumentTest[]): Address {
  const view = new DataView(scratch.buffer);
  for (const [i, { index, comparison, a, b }] of tests.entries()) {
    view.setUint32(24 * i, index, true);
    view.setUint32(24 * i + 4, comparison, true);
    view.setBigUint64(24 * i + 8, a, true);
    view.setBigUint64(24 * i + 16, b, true);
  }
  return scratchAt;
}

/** struct scmp_version: major u32@0, minor u32@4, micro u32@8. */
function versionOf(library: Functions): string {
  const address = library.seccomp_version();
  if (address === 0) return "unknown";
  const version = new Uint8Array(12);
  addon.copy(address, version);
  const view = new DataView(version.buffer);
  return [0, 4, 8].map((offset) => view.getUint32(offset, true)).join(".");
}

/** proc_pid_maps(5): the path is the sixth column. */
function mappedFile(kernel: Kernel): string | undefined {
  const maps = readText(kernel, "/proc/self/maps", 16 << 20);
  return /^(?:\S+ +){5}(\/.*\/libseccomp\.so[^/]*)$/m.exec(maps)?.[1];
}

/** A function of C. */
type Native = (...args: number[]) => number;
type Functions = ReturnType<typeof openFunctions>;

function openFunctions() {
  const library = openLibrary();
  const returnsAddress = (name: string): Native => {
    const address = addon.symbol(library, name);
    return (...args) => addon.invoke(address, ...args);
  };
  // The upper half of a register that holds an `int` is not defined.
  const returnsInt = (name: string): Native => {
    const native = returnsAddress(name);
    return (...args) => native(...args) | 0;
  };
  return {
    seccomp_version: returnsAddress("seccomp_version"),
    seccomp_syscall_resolve_name: returnsInt("seccomp_syscall_resolve_name"),
    seccomp_syscall_resolve_name_arch: returnsInt("seccomp_syscall_resolve_name_arch"),
    seccomp_init: returnsAddress("seccomp_init"),
    seccomp_release: returnsInt("seccomp_release"),
    seccomp_arch_add: returnsInt("seccomp_arch_add"),
    seccomp_attr_set: returnsInt("seccomp_attr_set"),
    seccomp_rule_add_array: returnsInt("seccomp_rule_add_array"),
    seccomp_export_bpf: returnsInt("seccomp_export_bpf"),
  };
}

function openLibrary(): Address {
  try {
    return addon.library(file);
  } catch (cause) {
    throw new RuneError({
      code: "HOST_UNSUPPORTED",
      doing: `open \`${file}\``,
      reason: cause instanceof Error ? cause.message : String(cause),
      hint: "`linux.seccomp` needs libseccomp 2.5 or newer (Debian: libseccomp2)",
      cause,
    });
  }
}

function refusal(doing: string, reason: string): RuneError {
  return new RuneError({ code: "SECCOMP", doing, reason });
}
