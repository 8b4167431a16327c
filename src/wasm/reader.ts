// SPDX-License-Identifier: Apache-2.0
/** Bounded reading of a WebAssembly module's bytes. */
import { RuneError } from "../errors/error.ts";

export function moduleFault(reason: string, hint?: string): RuneError {
  return new RuneError({
    code: "WASM_MODULE",
    doing: "read WebAssembly module",
    reason,
    ...(hint === undefined ? {} : { hint }),
  });
}

export class Reader {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get atEnd(): boolean {
    return this.at >= this.end;
  }

  byte(): number {
    if (this.at >= this.end) throw moduleFault(`it ends within an item at offset ${this.at}`);
    return this.bytes[this.at++] ?? 0;
  }

  skip(count: number): void {
    if (count > this.end - this.at)
      throw moduleFault(`it ends within an item at offset ${this.at}`);
    this.at += count;
  }

  /** LEB128; what does not fit 64 bits is malformed. */
  unsigned(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) return value;
    }
    throw moduleFault(`an integer at offset ${this.at} is too long`);
  }

  /** Skips a signed LEB128 number: nobody here needs its value. */
  skipInteger(): void {
    for (let length = 0; (this.byte() & 0x80) !== 0; length++) {
      if (length === 10) throw moduleFault(`an integer at offset ${this.at} is too long`);
    }
  }

  name(): string {
    const length = this.unsigned();
    const start = this.at;
    this.skip(length);
    return new TextDecoder().decode(this.bytes.subarray(start, this.at));
  }

  /** The next so many bytes as a reader of their own. */
  part(length: number): Reader {
    const start = this.at;
    this.skip(length);
    return new Reader(this.bytes, start, this.at);
  }
}
