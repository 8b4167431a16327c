// SPDX-License-Identifier: Apache-2.0
/** Bytes to values. The peer is not trusted: every length is checked before anything is read by it. */
import { RuneError } from "../errors/error.ts";
import {
  alignmentOf,
  type BasicCode,
  type DbusType,
  parseSignature,
  parseSingleType,
} from "./signature.ts";
import type { DbusValue } from "./value.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });
/** "The maximum depth of container type nesting": variants can nest where a signature cannot. */
const maximumDepth = 64;

/** Reads a message from its start, for alignment counts from there. */
export class ValueReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #littleEndian: boolean;
  #at: number;
  #depth = 0;

  constructor(bytes: Uint8Array, { at, littleEndian }: { at: number; littleEndian: boolean }) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#at = at;
    this.#littleEndian = littleEndian;
  }

  values(signature: string): DbusValue[] {
    return parseSignature(signature).map((type) => this.#value(type));
  }

  align(size: number): void {
    while (this.#at % size !== 0) {
      // Specified, and checked so that a message has one meaning.
      if (this.#bytes[this.#take(1)] !== 0) throw malformed("padding is not zero");
    }
  }

  /** Everything must be used up. */
  done(): void {
    if (this.#at !== this.#bytes.length) throw malformed("bytes are left over");
  }

  #value(type: DbusType): DbusValue {
    switch (type.kind) {
      case "basic":
        return this.#basic(type.code);
      case "variant": {
        const signature = this.#string(this.#u8());
        return this.#nested(() => ({ signature, value: this.#value(parseSingleType(signature)) }));
      }
      case "array":
        return this.#nested(() => this.#array(type.element));
      case "struct":
        this.align(8);
        return this.#nested(() => type.fields.map((field) => this.#value(field)));
    }
  }

  #nested<T>(read: () => T): T {
    if (++this.#depth > maximumDepth) throw malformed("values are nested too deep");
    const value = read();
    this.#depth--;
    return value;
  }

  #basic(code: BasicCode): DbusValue {
    const little = this.#littleEndian;
    const size = alignmentOf({ kind: "basic", code });
    if (code === "g") return this.#string(this.#u8());
    this.align(size);
    if (code === "s" || code === "o") return this.#string(this.#u32());
    const at = this.#take(size);
    switch (code) {
      case "y":
        return this.#view.getUint8(at);
      case "b":
        return this.#boolean(this.#view.getUint32(at, little));
      case "n":
        return this.#view.getInt16(at, little);
      case "q":
        return this.#view.getUint16(at, little);
      case "i":
        return this.#view.getInt32(at, little);
      case "u":
      case "h":
        return this.#view.getUint32(at, little);
      case "x":
        return this.#view.getBigInt64(at, little);
      case "t":
        return this.#view.getBigUint64(at, little);
      case "d":
        return this.#view.getFloat64(at, little);
    }
  }

  #boolean(value: number): boolean {
    if (value > 1) throw malformed(`${value} is no boolean`);
    return value === 1;
  }

  #array(element: DbusType): DbusValue {
    this.align(4);
    const length = this.#u32();
    this.align(alignmentOf(element));
    const end = this.#at + length;
    if (end > this.#bytes.length) throw malformed("an array is longer than the message");
    if (element.kind === "basic" && element.code === "y") {
      const at = this.#take(length);
      return this.#bytes.slice(at, at + length);
    }
    const values: DbusValue[] = [];
    while (this.#at < end) values.push(this.#value(element));
    if (this.#at !== end) throw malformed("an array's length is within an element");
    return values;
  }

  #u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  #u32(): number {
    return this.#view.getUint32(this.#take(4), this.#littleEndian);
  }

  #string(length: number): string {
    const at = this.#take(length + 1);
    const bytes = this.#bytes.subarray(at, at + length);
    if (this.#bytes[at + length] !== 0 || bytes.includes(0)) throw malformed("a string has no end");
    try {
      return decoder.decode(bytes);
    } catch {
      throw malformed("a string is not UTF-8");
    }
  }

  #take(size: number): number {
    const at = this.#at;
    if (size > this.#bytes.length - at) throw malformed("it ends within a value");
    this.#at += size;
    return at;
  }
}

export function malformed(reason: string): RuneError {
  return new RuneError({ code: "DBUS", doing: "read a D-Bus message", reason });
}
