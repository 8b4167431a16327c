// SPDX-License-Identifier: Apache-2.0
/** What compiling a seccomp profile needs of libseccomp; `libseccomp.ts` is the real one. */

/** `enum scmp_compare` of seccomp.h. */
export const comparisons = {
  notEqual: 1,
  less: 2,
  lessOrEqual: 3,
  equal: 4,
  greaterOrEqual: 5,
  greater: 6,
  maskedEqual: 7,
} as const;

/** `struct scmp_arg_cmp`: what one argument of a system call has to be. */
export type ArgumentTest = {
  /** 0 to 5. */
  readonly index: number;
  /** One of {@link comparisons}. */
  readonly comparison: number;
  /** The value, or the mask of maskedEqual. */
  readonly a: bigint;
  /** What is left under the mask. */
  readonly b: bigint;
};

export interface SeccompLibrary {
  /** "2.5.4"; part of what a compiled filter depends on. */
  version(): string;
  /** The file that was loaded; undefined where that cannot be found out. */
  path(): string | undefined;
  /**
   * A system call's number on this machine, or the negative one libseccomp has for those of other
   * architectures only; undefined when it knows none of that name.
   */
  systemCall(name: string): number | undefined;
  /** The same for an architecture, by libseccomp's token. */
  systemCallOf(architecture: number, name: string): number | undefined;
  /** A filter for this machine's architecture; the action is a SECCOMP_RET_* value. */
  filter(defaultAction: number): LibraryFilter;
}

/** Every method throws a RuneError (SECCOMP) when libseccomp refuses. */
export interface LibraryFilter extends Disposable {
  /** One that is there already is fine. */
  addArchitecture(architecture: number): void;
  /** All tests have to hold; each argument may have one. */
  addRule(action: number, systemCall: number, tests: readonly ArgumentTest[]): void;
  /** A binary tree instead of a list; not for filters without rules (libseccomp 2.5). */
  sortAsTree(): void;
  /** The program, an array of `struct sock_filter`. */
  export(): Uint8Array;
}
