// SPDX-License-Identifier: Apache-2.0
/** A container's program that counts, so that one sees whether it goes on. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { shell } from "./bundle.ts";
import { type CriuSandbox, until } from "./criu.ts";

const count = "i=$((i+1)); echo $i >/tmp/count";
export const counting = shell(`i=0; while :; do ${count}; sleep 0.02; done`);

/**
 * With a mebibyte of memory that it never changes. It makes no processes: one that has just been
 * made has that memory too, and is in no earlier checkpoint.
 */
export const countingInMuch = shell(
  `much=$(head -c 1048576 /dev/zero | tr '\\000' x); i=0; while :; do ${count}; done`,
);

/** What the container counts to, from now on. */
export class Counter {
  readonly #file: string;

  constructor({ bundle }: CriuSandbox) {
    this.#file = join(bundle.rootfs, "tmp/count");
  }

  get value(): number {
    return existsSync(this.#file) ? Number(readFileSync(this.#file, "utf8")) : 0;
  }

  async passes(value: number): Promise<void> {
    await until(() => this.value > value);
  }
}
