// SPDX-License-Identifier: Apache-2.0
/** Writes DER, and for tests of readers what is not quite DER. */

export function element(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(contents);
  return new Uint8Array(Buffer.concat([Uint8Array.of(tag), lengthBytes(content.length), content]));
}

function lengthBytes(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  const digits = length.toString(16);
  const bytes = Buffer.from(digits.padStart(digits.length + (digits.length % 2), "0"), "hex");
  return Uint8Array.of(0x80 | bytes.length, ...bytes);
}

export function sequence(...contents: readonly Uint8Array[]): Uint8Array {
  return element(0x30, ...contents);
}

export function oid(text: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  return element(0x06, Uint8Array.from([first * 40 + second, ...rest].flatMap(arcBytes)));
}

function arcBytes(arc: number): number[] {
  const groups = [arc & 0x7f];
  for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) {
    groups.unshift(0x80 | (left & 0x7f));
  }
  return groups;
}

/** A non-negative INTEGER from its big-endian bytes. */
export function unsigned(bytes: Uint8Array, tag = 0x02): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  const minimal = first < 0 ? Uint8Array.of(0) : bytes.subarray(first);
  return element(tag, (minimal[0] ?? 0) >= 0x80 ? Uint8Array.of(0, ...minimal) : minimal);
}

export function integer(value: number, tag = 0x02): Uint8Array {
  const digits = value.toString(16);
  return unsigned(
    Buffer.from(digits.padStart(digits.length + (digits.length % 2), "0"), "hex"),
    tag,
  );
}

export function octets(bytes: Uint8Array): Uint8Array {
  return element(0x04, bytes);
}

export function bits(bytes: Uint8Array, unused = 0): Uint8Array {
  return element(0x03, Uint8Array.of(unused), bytes);
}

export function boolean(value: boolean): Uint8Array {
  return element(0x01, Uint8Array.of(value ? 0xff : 0));
}

export function utf8(text: string): Uint8Array {
  return element(0x0c, new TextEncoder().encode(text));
}

/** UTCTime until 2049, GeneralizedTime from then on (RFC 5280, 4.1.2.5). */
export function time(value: Date): Uint8Array {
  const digits = value
    .toISOString()
    .replace(/\.\d+Z$/, "Z")
    .replace(/[-:T]/g, "");
  const generalized = value.getUTCFullYear() >= 2050;
  return element(
    generalized ? 0x18 : 0x17,
    new TextEncoder().encode(generalized ? digits : digits.slice(2)),
  );
}
