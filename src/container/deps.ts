// SPDX-License-Identifier: Apache-2.0
/** What every verb gets from whoever calls it, the CLI or the shim. */
import type { Kernel } from "../kernel/kernel.ts";
import type { SeccompLibrary } from "../kernel/seccomp-library.ts";

export type Deps = {
  readonly kernel: Kernel;
  readonly seccomp: SeccompLibrary;
  /** Directory of runelet and its companions. */
  readonly libDir: string;
  /** Directory of the containers, such as /run/rune. */
  readonly root: string;
  /** "0.1.0", written into state files. */
  readonly version: string;
  /** The caller's descriptors from 3 on; a container may inherit nothing else. */
  readonly openDescriptors: ReadonlySet<number>;
  /** Reports what is odd but no failure. */
  readonly warn: (message: string) => void;
};
