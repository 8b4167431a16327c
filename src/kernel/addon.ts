// SPDX-License-Identifier: Apache-2.0
/** The small C library through which the engine reaches the kernel: native/kernel/addon.c. */

/** A place in memory. Below 2^47 (x86-64 user space), so that a number holds it exactly. */
export type Address = number;

type Addon = {
  /** A system call with up to six arguments: its result, or -errno. Fractions are cut off. */
  readonly systemCall: (number: number, ...args: number[]) => number;
  /**
   * Where an array's first element is. Only for arrays of 4096 bytes or more, or ones whose buffer has
   * been used: the elements of small ones lie with the collected objects, and move when their buffer is made.
   */
  readonly addressOf: (array: Uint8Array) => Address;
  /** Fills the array with what is at the address. */
  readonly copy: (from: Address, into: Uint8Array) => void;
  /** Loads a library as dlopen(3) finds it. @throws Error with the words of dlerror */
  readonly library: (name: string) => Address;
  /** A function's address; handle 0 is what the engine is linked with. @throws Error with the words of dlerror */
  readonly symbol: (handle: Address, name: string) => Address;
  /** Calls a C function with up to six integers or addresses; what it returns is taken for a long. */
  readonly invoke: (address: Address, ...args: number[]) => number;
  /** Fills 16 bytes with EAX, EBX, ECX and EDX of the CPUID instruction. */
  readonly cpuid: (leaf: number, subleaf: number, into: Uint8Array) => void;
};

/** Beside the engine; run from the sources, in what the build has made. */
function addonPath(): string {
  const compiled = import.meta.dir.startsWith("/$bunfs/");
  return compiled
    ? `${process.execPath.slice(0, process.execPath.lastIndexOf("/"))}/kernel.node`
    : `${import.meta.dir}/../../dist/lib/inclavare/kernel.node`;
}

function load(): Addon {
  const module = { exports: {} };
  const path = addonPath();
  try {
    process.dlopen(module, path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`load \`${path}\`: ${reason}; \`npm run build\` makes it`, { cause });
  }
  return module.exports as Addon;
}

export const addon: Addon = load();
