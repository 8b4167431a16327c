// SPDX-License-Identifier: Apache-2.0
/** Checked access to the fixed-size, little-endian records of SGX. */
import { timingSafeEqual } from "node:crypto";
import { RuneError } from "../errors/error.ts";

/** Throws unless `bytes` is exactly `size` long. The first step of every parser here. */
export function requireSize(bytes: Uint8Array, size: number, what: string): void {
  if (bytes.length === size) return;
  throw new RuneError({
    code: "SGX_FORMAT",
    doing: `read ${what}`,
    reason: `${bytes.length} bytes instead of ${size}`,
  });
}

/** Throws unless `bytes[start, end)` is all zero: reserved fields must not carry anything. */
export function requireZero(bytes: Uint8Array, start: number, end: number, what: string): void {
  const at = bytes.subarray(start, end).findIndex((byte) => byte !== 0);
  if (at < 0) return;
  throw new RuneError({
    code: "SGX_FORMAT",
    doing: `read ${what}`,
    reason: `reserved byte at offset ${start + at} is not zero`,
  });
}

/** A DataView over exactly these bytes, wherever they lie in their buffer. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Whether two byte strings are equal, in a time that depends on their lengths only. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Lower-case hexadecimal, two digits a byte, in memory order. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

/** An unsigned integer of any length from its little-endian bytes. */
export function integerFromLittleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x0${toHex(bytes.toReversed())}`);
}

/** The `size` little-endian bytes of an unsigned integer. Precondition: it fits. */
export function integerToLittleEndian(value: bigint, size: number): Uint8Array {
  const digits = value.toString(16).padStart(size * 2, "0");
  if (value < 0n || digits.length > size * 2) {
    throw new RuneError({
      code: "SGX_LIMIT",
      doing: "encode integer",
      reason: `it does not fit into ${size} bytes`,
    });
  }
  return Uint8Array.from(Buffer.from(digits, "hex")).reverse();
}
