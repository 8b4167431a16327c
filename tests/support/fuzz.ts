// SPDX-License-Identifier: Apache-2.0
/** Changed bytes and texts, the same for the same seed. */
import { RuneError } from "../../src/errors/error.ts";

/** FUZZ_SEED repeats a run; otherwise each has a seed of its own, which its tests have in their names. */
export const fuzzSeed = Number(process.env["FUZZ_SEED"] ?? Date.now() % 0xffff_ffff);

/** Rounds, and fifty times as many with `npm run test:conformance`. */
export function rounds(count: number): number {
  return process.env["CONFORMANCE"] === "1" ? count * 50 : count;
}

export class Fuzz {
  #state: number;

  constructor(seed: number) {
    this.#state = seed === 0 ? 1 : seed >>> 0;
  }

  /** Marsaglia's xorshift: a number below the limit. */
  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    this.#state >>>= 0;
    return this.#state % limit;
  }

  pick<T>(from: readonly T[]): T {
    // Never beyond the end, and never called with nothing to pick from.
    return from[this.below(from.length)] as T;
  }

  /** Bits, bytes, cuts, repetitions and insertions, up to four of them. */
  mutate(original: Uint8Array): Uint8Array {
    let bytes = original.slice();
    for (let times = 1 + this.below(4); times > 0; times--) {
      const at = this.below(Math.max(bytes.length, 1));
      const end = Math.min(bytes.length, at + 1 + this.below(16));
      switch (this.below(6)) {
        case 0:
          if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << this.below(8));
          break;
        case 1:
          if (at < bytes.length) bytes[at] = this.pick([0, 1, 0x7f, 0x80, 0xff]);
          break;
        case 2:
          bytes = bytes.slice(0, at);
          break;
        case 3:
          bytes = joined(bytes.subarray(0, at), bytes.subarray(end));
          break;
        case 4:
          bytes = joined(bytes.subarray(0, end), bytes.subarray(at));
          break;
        default:
          bytes = joined(bytes.subarray(0, at), this.#noise(), bytes.subarray(at));
      }
    }
    return bytes;
  }

  #noise(): Uint8Array {
    return Uint8Array.from({ length: 1 + this.below(9) }, () => this.below(256));
  }

  /** A JSON document with some of its values exchanged for ones of any kind. */
  mutateJson(value: unknown): unknown {
    if (this.below(12) === 0) return this.#odd();
    if (Array.isArray(value)) {
      const items = value.map((item) => this.mutateJson(item));
      if (this.below(8) === 0) items.splice(this.below(items.length + 1), 0, this.#odd());
      return items;
    }
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value)
      .filter(() => this.below(25) !== 0)
      .map(([key, item]) => [this.below(40) === 0 ? `${key}x` : key, this.mutateJson(item)]);
    return Object.fromEntries(entries);
  }

  #odd(): unknown {
    return this.pick<() => unknown>([
      () => null,
      () => true,
      () => this.pick([0, -1, 1.5, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 63), 1e308]),
      () => this.pick(["", "/", "..", "\0", "\u{1f600}", "a".repeat(5000), "__proto__", "-1"]),
      () => [],
      () => ({}),
      () => [[[[[]]]]],
      () => ({ __proto__: { type: "pid" }, constructor: 1, path: ["x"] }),
    ])();
  }
}

/** An error of any other kind than these codes is one that nobody foresaw. */
export function requireCode(error: unknown, codes: readonly string[]): void {
  if (error instanceof RuneError && codes.includes(error.code)) return;
  throw error;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(parts));
}
