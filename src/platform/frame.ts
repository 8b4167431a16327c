// SPDX-License-Identifier: Apache-2.0
/** Frames between the emulator and the service: docs/protocol/platform-service.md, "Frames". */
import { RuneError } from "../errors/error.ts";
import { viewOf } from "../sgx/bytes.ts";

export const VERSION = 1;
export const HEADER_BYTES = 12;

export const CODE = { HELLO: 1, EINIT: 2, EREPORT: 3, EGETKEY: 4 } as const;
export type Code = (typeof CODE)[keyof typeof CODE];

/** A status that no error code is: the leaf raises #GP(0). */
export const STATUS_GP = 0x8000_0000;

/** Of a request's payload, by its code. */
export const REQUEST_BYTES: Readonly<Record<Code, number>> = {
  1: 0,
  2: 1808 + 304 + 152,
  3: 192 + 16 + 512 + 64,
  4: 192 + 16 + 512,
};

/** Of a reply's payload where the status is 0. */
export const REPLY_BYTES: Readonly<Record<Code, number>> = { 1: 32, 2: 208, 3: 432, 4: 16 };

export const LONGEST_REQUEST_BYTES: number =
  HEADER_BYTES + Math.max(...Object.values(REQUEST_BYTES));

export type Request = { readonly code: Code; readonly payload: Uint8Array };
export type Reply = { readonly status: number; readonly payload?: Uint8Array };

/**
 * The request that `bytes` begin with; undefined while some of it is missing.
 * @throws RuneError PLATFORM_PROTOCOL as soon as it can be none
 */
export function readRequest(bytes: Uint8Array): Request | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const view = viewOf(bytes);
  const code = view.getUint16(4, true);
  if (!isCode(code)) throw broken(`there is no request ${code}`);
  const version = view.getUint16(6, true);
  if (version !== VERSION) throw broken(`version ${version} instead of ${VERSION}`);
  if (view.getUint32(8, true) !== 0) throw broken("a reserved field is not zero");
  const size = view.getUint32(0, true) + 4;
  const expected = HEADER_BYTES + REQUEST_BYTES[code];
  if (size !== expected) throw broken(`request ${code} has ${size} bytes instead of ${expected}`);
  if (bytes.length < size) return undefined;
  return { code, payload: bytes.subarray(HEADER_BYTES, size) };
}

export function encodeReply(code: Code, { status, payload }: Reply): Uint8Array {
  const body = status === 0 && payload !== undefined ? payload : new Uint8Array();
  const bytes = new Uint8Array(HEADER_BYTES + body.length);
  const view = viewOf(bytes);
  view.setUint32(0, bytes.length - 4, true);
  view.setUint16(4, code, true);
  view.setUint16(6, VERSION, true);
  view.setUint32(8, status, true);
  bytes.set(body, HEADER_BYTES);
  return bytes;
}

/** A client's side, for `sgx-tools`, start-up and tests. */
export function encodeRequest({ code, payload }: Request): Uint8Array {
  return encodeReply(code, { status: 0, payload });
}

function isCode(code: number): code is Code {
  return code in REQUEST_BYTES;
}

function broken(reason: string): RuneError {
  return new RuneError({ code: "PLATFORM_PROTOCOL", doing: "read a request", reason });
}
