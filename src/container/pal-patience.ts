// SPDX-License-Identifier: Apache-2.0
import type { Fd, Kernel } from "../kernel/kernel.ts";
import { type EnclaveLaunch, palHangs } from "./enclave.ts";

/** A PAL has to be done with pal_init in time; anything else is waited for. */
export class PalPatience {
  readonly #kernel: Kernel;
  readonly #pal: EnclaveLaunch["pal"];
  #deadlineMs = 0;

  constructor(kernel: Kernel, pal: EnclaveLaunch["pal"]) {
    this.#kernel = kernel;
    this.#pal = pal;
    this.start();
  }

  start(): void {
    if (this.#pal !== undefined) this.#deadlineMs = this.#kernel.nowMs() + this.#pal.initTimeoutMs;
  }

  wait(channel: Fd): void {
    if (this.#pal === undefined) return;
    const leftMs = Math.max(0, this.#deadlineMs - this.#kernel.nowMs());
    if (!this.#kernel.waitReadable(channel, leftMs)) throw palHangs(this.#pal);
  }
}
