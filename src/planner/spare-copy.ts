// SPDX-License-Identifier: Apache-2.0
/**
 * The next sealed copy of runelet, made while nobody waits for it. Each start gets one of its own, as
 * in a cold start: a container that could change the mode of a shared one would stop all others.
 */
import type { Fd, Kernel, Stat } from "../kernel/kernel.ts";

export class SpareCopy {
  readonly #kernel: Kernel;
  #wanted: { readonly path: string; readonly name: string } | undefined;
  #spare: { readonly fd: Fd; readonly source: string } | undefined;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** As {@link Kernel.sealedCopy}. */
  take(path: string, name: string): Fd {
    const spare = this.#spare;
    const fits = this.#wanted?.path === path && this.#wanted.name === name;
    this.#wanted = { path, name };
    if (spare === undefined) return this.#kernel.sealedCopy(path, name);
    this.#spare = undefined;
    if (fits && spare.source === this.#identify(path)) return spare.fd;
    this.#kernel.close(spare.fd);
    return this.#kernel.sealedCopy(path, name);
  }

  /** Makes the next one, of what was wanted last. */
  prepare(): void {
    if (this.#wanted === undefined || this.#spare !== undefined) return;
    const { path, name } = this.#wanted;
    try {
      const source = this.#identify(path);
      this.#spare = { fd: this.#kernel.sealedCopy(path, name), source };
    } catch {
      this.#wanted = undefined; // whoever needs it is told what is wrong
    }
  }

  #identify(path: string): string {
    const { device, inode, sizeBytes, modified }: Stat = this.#kernel.stat(path);
    return [device, inode, sizeBytes, modified].join(":");
  }
}
