// SPDX-License-Identifier: Apache-2.0
/** Everything that checks look at: the machine behind an interface, so that each state can be shown. */
import type { Hierarchy } from "../cgroups/layout.ts";
import type { NodeConfig } from "../config/node-config.ts";
import type { Stat } from "../kernel/kernel.ts";
import type { CpuRegisters } from "../kernel/processor.ts";

export type Output = { readonly status: number; readonly text: string };

export interface Probe {
  readonly euid: number;
  cpuid(leaf: number, subleaf: number): CpuRegisters;
  /** A model-specific register of the first processor; undefined where it may not be read. */
  msr(register: number): bigint | undefined;
  /** Undefined: no such file. @throws RuneError for any other reason */
  text(path: string): string | undefined;
  bytes(path: string, maxBytes: number): Uint8Array | undefined;
  /** Follows links; undefined: no such file. */
  stat(path: string): Stat | undefined;
  /** The names in a directory; undefined: no such directory. */
  list(path: string): readonly string[] | undefined;
  /** Why it cannot be opened to read and write; undefined where it can. */
  refusal(path: string): string | undefined;
  /** The program that a shell would start. */
  which(name: string): string | undefined;
  /** The page of code that the kernel maps into every process, an ELF file. */
  vdso(): Uint8Array | undefined;
  hierarchies(): readonly Hierarchy[];
  /** Why pidfd_open or openat2 does not work; undefined where it does. */
  without(call: "pidfd_open" | "openat2"): string | undefined;
  /** @throws RuneError SECCOMP where there is none */
  seccompVersion(): string;
  /** What a program prints on both streams; undefined where there is no such program. */
  output(argv: readonly string[]): Promise<Output | undefined>;
  /** Whether somebody listens on a Unix socket. @throws RuneError where that cannot be tried */
  listens(socket: string): boolean;
  /** What AESM answers to the cheapest request. @throws RuneError AESM_* */
  aesm(socket: string): Promise<string>;
  /** The status of a GET. @throws RuneError where nobody answers */
  get(url: string): Promise<number>;
  /** @throws RuneError NODE_CONFIG */
  nodeConfig(): NodeConfig;
  /** A PAL's bytes, under the rules of its path. @throws RuneError PAL_PATH */
  pal(path: string, palDirs: readonly string[]): Uint8Array;
}
