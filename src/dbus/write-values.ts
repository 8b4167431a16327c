// SPDX-License-Identifier: Apache-2.0
/** Values to bytes: D-Bus specification, "Marshaling". Always little-endian. */
import { RuneError } from "../errors/error.ts";
import {
  alignmentOf,
  type BasicCode,
  type DbusType,
  parseSignature,
  parseSingleType,
} from "./signature.ts";
import type { DbusValue, Variant } from "./value.ts";

const encoder = new TextEncoder();
const arrayMaxBytes = 1 << 26;

const ranges: Readonly<Partial<Record<BasicCode, readonly [bigint, bigint]>>> = {
  y: [0n, 0xffn],
  n: [-0x8000n, 0x7fffn],
  q: [0n, 0xffffn],
  i: [-0x80000000n, 0x7fffffffn],
  u: [0n, 0xffffffffn],
  x: [-(1n << 63n), (1n << 63n) - 1n],
  t: [0n, (1n << 64n) - 1n],
};

/** Builds a message's bytes; alignment counts from the start. */
export class ValueWriter {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #used = 0;

  /** Writes one value for each type of the signature. */
  values(signature: string, values: readonly DbusValue[]): this {
    const types = parseSignature(signature);
    if (types.length !== values.length) throw mismatch(signature, `${values.length} values`);
    for (const [index, type] of types.entries()) this.#value(type, values[index] ?? 0);
    return this;
  }

  align(size: number): this {
    while (this.#used % size !== 0) this.#byte(0);
    return this;
  }

  /** Puts a length in the place of one written before. */
  setU32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  get length(): number {
    return this.#used;
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#used);
  }

  #value(type: DbusType, value: DbusValue): void {
    if (type.kind === "basic") this.#basic(type.code, value);
    else if (type.kind === "variant") this.#variant(value);
    else if (type.kind === "array") this.#array(type.element, value);
    else this.#struct(type.fields, value);
  }

  #struct(fields: readonly DbusType[], value: DbusValue): void {
    this.align(8);
    if (!Array.isArray(value) || value.length !== fields.length) {
      throw mismatch("(...)", describe(value));
    }
    for (const [index, field] of fields.entries()) this.#value(field, value[index]);
  }

  #basic(code: BasicCode, value: DbusValue): void {
    if (code === "s" || code === "o" || code === "g") this.#string(code, value);
    else if (code === "b") this.#boolean(value);
    else if (code === "d") this.#double(value);
    else this.#integer(code, value);
  }

  #boolean(value: DbusValue): void {
    if (typeof value !== "boolean") throw mismatch("b", describe(value));
    this.#integer("u", value ? 1 : 0);
  }

  #double(value: DbusValue): void {
    if (typeof value !== "number") throw mismatch("d", describe(value));
    this.align(8);
    const at = this.#take(8); // before the view is asked for: it may be another one then
    this.#view.setFloat64(at, value, true);
  }

  #integer(code: BasicCode, value: DbusValue): void {
    const whole =
      typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value));
    const [least, most] = ranges[code] ?? [1n, 0n];
    const exact = whole ? BigInt(value) : undefined;
    if (exact === undefined || exact < least || exact > most) throw mismatch(code, describe(value));
    const size = alignmentOf({ kind: "basic", code });
    this.align(size);
    for (let index = 0; index < size; index++) {
      this.#byte(Number((exact >> BigInt(8 * index)) & 0xffn));
    }
  }

  /** `g` has a length of one byte, the others of four; all end with a NUL that does not count. */
  #string(code: BasicCode, value: DbusValue): void {
    if (typeof value !== "string" || value.includes("\0")) throw mismatch(code, describe(value));
    const bytes = encoder.encode(value);
    if (code === "g") parseSignature(value);
    this.#integer(code === "g" ? "y" : "u", bytes.length);
    this.#raw(bytes);
    this.#byte(0);
  }

  #variant(value: DbusValue): void {
    if (!isVariant(value)) throw mismatch("v", describe(value));
    this.#string("g", value.signature);
    this.#value(parseSingleType(value.signature), value.value);
  }

  /** The length excludes the padding before the first element, which is there even without one. */
  #array(element: DbusType, value: DbusValue): void {
    this.align(4);
    const at = this.#take(4);
    this.align(alignmentOf(element));
    const start = this.#used;
    const isBytes = element.kind === "basic" && element.code === "y";
    if (isBytes && value instanceof Uint8Array) this.#raw(value);
    else if (Array.isArray(value)) for (const one of value) this.#value(element, one);
    else throw mismatch("a", describe(value));
    if (this.#used - start > arrayMaxBytes) throw mismatch("a", "more than 64 MiB");
    this.setU32(at, this.#used - start);
  }

  #raw(bytes: Uint8Array): void {
    const at = this.#take(bytes.length);
    this.#bytes.set(bytes, at);
  }

  #byte(value: number): void {
    const at = this.#take(1);
    this.#bytes[at] = value;
  }

  /** Room for `size` bytes; returns where it is. */
  #take(size: number): number {
    const at = this.#used;
    if (at + size > this.#bytes.length) {
      const larger = new Uint8Array(2 * (at + size));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#used += size;
    return at;
  }
}

export function isVariant(value: DbusValue): value is Variant {
  return typeof value === "object" && "signature" in value;
}

function describe(value: DbusValue): string {
  return isVariant(value) ? "a variant" : `${value}`;
}

function mismatch(signature: string, got: string): RuneError {
  const reason = `\`${got}\` is no value of type \`${signature}\``;
  return new RuneError({ code: "DBUS", doing: "write a D-Bus message", reason });
}
