// SPDX-License-Identifier: Apache-2.0
/** How much may be in flight: docs/protocol/ttrpc.md, "Limits". */

export type Limit = { readonly requests: number; readonly bytes: number };

export const connectionLimit: Limit = { requests: 16_384, bytes: 64 << 20 };
export const serverLimit: Limit = { requests: 65_536, bytes: 256 << 20 };

export class Budget {
  readonly #limit: Limit;
  readonly #parent: Budget | undefined;
  #requests = 0;
  #bytes = 0;

  constructor(limit: Limit, parent?: Budget) {
    this.#limit = limit;
    this.#parent = parent;
  }

  get requests(): number {
    return this.#requests;
  }

  /** Whether there was room for one more of so many bytes; then it is in. */
  take(bytes: number): boolean {
    const { requests, bytes: most } = this.#limit;
    // A single one of any size goes through: frames have a limit of their own.
    const fits = this.#requests < requests && (this.#requests === 0 || this.#bytes + bytes <= most);
    if (!fits || this.#parent?.take(bytes) === false) return false;
    this.#requests++;
    this.#bytes += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#parent?.give(bytes);
    this.#requests--;
    this.#bytes -= bytes;
  }
}
