// SPDX-License-Identifier: Apache-2.0
/**
 * Records and their arguments: the encoding that launch plans, the init channel and the agent share
 * (docs/protocol/launch-plan.md, "Encoding").
 */
import { RuneError } from "../errors/error.ts";

/** code u16@0, flags u16@2, payload size u32@4. */
export const recordHeaderBytes = 8;
export const stringMaxBytes = 1 << 20;
const listMax = 65536;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Builds records one behind the other in a growing buffer. */
export class RecordWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #used: number;
  #payload = 0;

  /** Leaves `reservedBytes` free at the start, for a header of the caller's. */
  constructor(reservedBytes = 0, sizeBytes = 4096) {
    this.#bytes = new Uint8Array(Math.max(sizeBytes, reservedBytes));
    this.#view = new DataView(this.#bytes.buffer);
    this.#used = reservedBytes;
  }

  begin(code: number, flags = 0): this {
    this.#room(recordHeaderBytes);
    this.#view.setUint16(this.#used, code, true);
    this.#view.setUint16(this.#used + 2, flags, true);
    this.#used += recordHeaderBytes;
    this.#payload = this.#used;
    return this;
  }

  u32(value: number): this {
    this.#room(4);
    this.#view.setUint32(this.#used, value, true);
    this.#used += 4;
    return this;
  }

  u64(value: bigint | number): this {
    this.#room(8);
    this.#view.setBigUint64(this.#used, BigInt(value), true);
    this.#used += 8;
    return this;
  }

  string(value: string): this {
    if (value.includes("\0")) throw malformed("a string contains NUL");
    this.#room(5 + 3 * value.length);
    const { written } = encoder.encodeInto(value, this.#bytes.subarray(this.#used + 4));
    if (written > stringMaxBytes) throw malformed(`a string has ${written} bytes`);
    this.#view.setUint32(this.#used, written, true);
    this.#used += 4 + written;
    this.#bytes[this.#used++] = 0;
    return this;
  }

  bytes(value: Uint8Array): this {
    this.u32(value.length);
    this.#room(value.length);
    this.#bytes.set(value, this.#used);
    this.#used += value.length;
    return this;
  }

  list(values: readonly string[]): this {
    if (values.length > listMax) throw malformed(`a list has ${values.length} strings`);
    this.u32(values.length);
    for (const value of values) this.string(value);
    return this;
  }

  end(): this {
    this.#view.setUint32(this.#payload - 4, this.#used - this.#payload, true);
    const padding = -this.#used & 7;
    this.#room(padding);
    this.#bytes.fill(0, this.#used, this.#used + padding);
    this.#used += padding;
    return this;
  }

  /** The bytes so far, reserved ones included; valid until the next call. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#used);
  }

  #room(size: number): void {
    if (this.#used + size <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * (this.#used + size));
    larger.set(this.#bytes.subarray(0, this.#used));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** Reads one record's arguments; the bytes may come from a hostile peer. Throws RUNELET errors. */
export class RecordReader {
  readonly code: number;
  readonly flags: number;
  #view: DataView;
  #at = 0;

  private constructor(code: number, flags: number, payload: Uint8Array) {
    this.code = code;
    this.flags = flags;
    this.#view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  }

  /** The one record a packet holds. */
  static packet(packet: Uint8Array): RecordReader {
    if (packet.length < recordHeaderBytes) throw malformed("a packet is too short");
    const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
    const size = view.getUint32(4, true);
    if (recordHeaderBytes + ((size + 7) & ~7) !== packet.length || size > packet.length) {
      throw malformed("a packet and its record differ in size");
    }
    const payload = packet.subarray(recordHeaderBytes, recordHeaderBytes + size);
    return new RecordReader(view.getUint16(0, true), view.getUint16(2, true), payload);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  bytes(maxBytes: number): Uint8Array {
    const size = this.u32();
    if (size > maxBytes) throw malformed(`${size} bytes where at most ${maxBytes} may be`);
    const at = this.#take(size);
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + at, size);
  }

  string(maxBytes = stringMaxBytes): string {
    const bytes = this.bytes(maxBytes);
    if (this.#view.getUint8(this.#take(1)) !== 0 || bytes.includes(0)) {
      throw malformed("a string is not terminated");
    }
    try {
      return decoder.decode(bytes);
    } catch {
      throw malformed("a string is not UTF-8");
    }
  }

  list(): string[] {
    const count = this.u32();
    // Every string takes at least five bytes: a count beyond that is a lie.
    if (count > listMax || count > (this.#view.byteLength - this.#at) / 5) {
      throw malformed(`a list of ${count} strings does not fit`);
    }
    return Array.from({ length: count }, () => this.string());
  }

  /** Call after the last argument: nothing may be left. */
  done(): void {
    if (this.#at !== this.#view.byteLength) throw malformed("arguments are left over");
  }

  #take(size: number): number {
    if (this.#view.byteLength - this.#at < size) throw malformed("an argument does not fit");
    this.#at += size;
    return this.#at - size;
  }
}

function malformed(reason: string): RuneError {
  return new RuneError({ code: "RUNELET", doing: "exchange a record", reason });
}
