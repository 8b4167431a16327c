// SPDX-License-Identifier: Apache-2.0
/** DER contents as values; each has exactly one encoding (X.690, sections 8, 10 and 11). */
import { toHex } from "../../sgx/bytes.ts";
import { formatError } from "../error.ts";
import { type DerReader, TAG } from "./reader.ts";

/** The longest OID in use here has 14 bytes. */
const LONGEST_OID_BYTES = 32;

/** "1.2.840.10045.4.3.2" */
export function readOid(reader: DerReader): string {
  return oidOf(reader.next(TAG.oid).content, reader.what);
}

function oidOf(content: Uint8Array, what: string): string {
  if (content.length === 0 || content.length > LONGEST_OID_BYTES) {
    throw formatError(what, `object identifier of ${content.length} bytes`);
  }
  const arcs: number[] = [];
  let arc = 0;
  let inside = false;
  for (const byte of content) {
    // A leading zero group, or an arc beyond exact integers, would let two encodings look like one
    // identifier, and so one identifier pass for another that is trusted.
    if (!inside && byte === 0x80) throw formatError(what, "object identifier with a padded arc");
    arc = arc * 128 + (byte & 0x7f);
    if (arc > 0xffff_ffff) throw formatError(what, "object identifier with an arc above 32 bits");
    inside = (byte & 0x80) !== 0;
    if (inside) continue;
    if (arcs.length === 0) {
      const first = Math.min(Math.floor(arc / 40), 2);
      arcs.push(first, arc - first * 40);
    } else arcs.push(arc);
    arc = 0;
  }
  if (inside) throw formatError(what, "object identifier that ends within an arc");
  return arcs.join(".");
}

/** The bytes of a non-negative INTEGER, without a sign byte; zero is one zero byte. */
export function readUnsigned(reader: DerReader, tag: number = TAG.integer): Uint8Array {
  const { content } = reader.next(tag);
  const [first, second] = content;
  if (first === undefined) throw formatError(reader.what, "integer without bytes");
  if (first >= 0x80) throw formatError(reader.what, "negative integer");
  if (first !== 0 || second === undefined) return content;
  if (second < 0x80) throw formatError(reader.what, "integer with a padded zero");
  return content.subarray(1);
}

/** A non-negative INTEGER or ENUMERATED of at most `maximum`. */
export function readSmall(reader: DerReader, maximum: number, tag: number = TAG.integer): number {
  const bytes = readUnsigned(reader, tag);
  if (bytes.length > 6) throw formatError(reader.what, `integer of ${bytes.length} bytes`);
  const value = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  if (value > maximum)
    throw formatError(reader.what, `${value} where at most ${maximum} is allowed`);
  return value;
}

export function readBoolean(reader: DerReader): boolean {
  const { content } = reader.next(TAG.boolean);
  const [byte] = content;
  if (content.length !== 1 || (byte !== 0 && byte !== 0xff)) {
    throw formatError(reader.what, `boolean 0x${toHex(content)}, neither 00 nor ff`);
  }
  return byte === 0xff;
}

/** The bytes of a BIT STRING that has no unused bits: keys and signatures. */
export function readBitBytes(reader: DerReader): Uint8Array {
  const { content } = reader.next(TAG.bitString);
  if (content[0] !== 0) throw formatError(reader.what, "bit string that is no string of bytes");
  return content.subarray(1);
}

/** A named-bit BIT STRING of at most 16 bits, bit 0 the highest of the first byte (X.690, 11.2.2). */
export function readNamedBits(reader: DerReader): (bit: number) => boolean {
  const { content } = reader.next(TAG.bitString);
  const [unused = 8] = content;
  const bits = content.subarray(1);
  const last = bits.at(-1) ?? 0;
  const wellFormed =
    bits.length === 0 ? unused === 0 : unused < 8 && bits.length <= 2 && last !== 0;
  // The lowest used bit is set: trailing zero bits are left out in DER.
  if (!wellFormed || (bits.length > 0 && (last & ((1 << (unused + 1)) - 1)) !== 1 << unused)) {
    throw formatError(reader.what, `bit string 0x${toHex(content)} is not minimal`);
  }
  return (bit) => (((bits[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) === 1;
}

/** NULL, as algorithm parameters have it. */
export function readNull(reader: DerReader): void {
  if (reader.next(TAG.null).content.length > 0) throw formatError(reader.what, "NULL with content");
}

/**
 * UTCTime or GeneralizedTime in the only forms RFC 5280 (4.1.2.5) knows, as milliseconds since
 * 1970: to the second, with Z. GeneralizedTime is taken for years before 2050 too, against the RFC:
 * the IAS signing authority's certificate ends in 2049 so.
 */
export function readTime(reader: DerReader): number {
  const { tag, content } = reader.any();
  if (tag !== TAG.utcTime && tag !== TAG.generalizedTime) {
    throw formatError(reader.what, `expected a time, got tag 0x${tag.toString(16)}`);
  }
  const text = String.fromCharCode(...content.subarray(0, 20));
  const match = (tag === TAG.utcTime ? UTC_TIME : GENERALIZED_TIME).exec(text);
  if (match === null || content.length > 20) {
    throw formatError(reader.what, `time ${JSON.stringify(text)}`);
  }
  const [, year = "", month, day, hour, minute, second] = match;
  const century = tag === TAG.generalizedTime ? "" : Number(year) < 50 ? "20" : "19";
  const time = exactTime(`${century}${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (time === undefined) throw formatError(reader.what, `time ${JSON.stringify(text)}`);
  return time;
}

const UTC_TIME = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;
const GENERALIZED_TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;

/** Milliseconds of "2026-11-28T03:56:08Z"; undefined for other forms and for days there are not. */
export function exactTime(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text)) return undefined;
  const time = Date.parse(text);
  // A day such as 31 February, or hour 24, is taken for one of the next, and so comes back changed.
  if (Number.isNaN(time) || `${new Date(time).toISOString().slice(0, 19)}Z` !== text) {
    return undefined;
  }
  return time;
}
