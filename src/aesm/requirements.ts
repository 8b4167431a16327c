// SPDX-License-Identifier: Apache-2.0
/** What the server core requires of requests and of its platform; each failure has its number. */
import { requireSize } from "../sgx/bytes.ts";
import { AESM, aesmRefusal } from "./errors.ts";

/** A part of the platform; without it the client is told so. */
export function part<T>(optional: T | undefined): T {
  if (optional !== undefined) return optional;
  throw aesmRefusal(AESM.serviceUnavailable, "answer an AESM request");
}

/** A field of a request has its size, and is there. */
export function requireBytes(
  bytes: Uint8Array | undefined,
  size: number,
  field: string,
): asserts bytes is Uint8Array {
  require(bytes?.length === size, AESM.parameter, `read field \`${field}\``);
}

export function require(condition: boolean, number: number, doing: string): asserts condition {
  if (!condition) throw aesmRefusal(number, doing);
}

/** What the platform made has the size the protocol promises; a fault of ours, not of the client. */
export function produced(bytes: Uint8Array, size: number, what: string): Uint8Array {
  requireSize(bytes, size, what);
  return bytes;
}
