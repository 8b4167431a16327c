// SPDX-License-Identifier: Apache-2.0
/** Frames: u32 little-endian length, then so many bytes. */
import { viewOf } from "../sgx/bytes.ts";
import { protocolError } from "./errors.ts";

const HEADER_BYTES = 4;

export function encodeFrame(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + message.length);
  viewOf(frame).setUint32(0, message.length, true);
  frame.set(message, HEADER_BYTES);
  return frame;
}

export type FrameReader = {
  /** Takes what has arrived; the message once it is complete, and from then on always the same. */
  readonly push: (chunk: Uint8Array) => Uint8Array | undefined;
  /** Whether anything has arrived at all. */
  readonly hasStarted: () => boolean;
};

/** Reads one frame of at most `limitBytes`, in whatever pieces it comes. */
export function frameReader(limitBytes: number, what: string): FrameReader {
  const header = new Uint8Array(HEADER_BYTES);
  let seen = 0;
  const parts: Uint8Array[] = [];
  let missing = 0;
  let message: Uint8Array | undefined;

  const push = (chunk: Uint8Array): Uint8Array | undefined => {
    if (message !== undefined || chunk.length === 0) return message;
    let rest = chunk;
    if (seen < HEADER_BYTES) {
      const count = Math.min(HEADER_BYTES - seen, rest.length);
      header.set(rest.subarray(0, count), seen);
      seen += count;
      rest = rest.subarray(count);
      if (seen < HEADER_BYTES) return undefined;
      missing = checkedLength(header, limitBytes, what);
    }
    // A copy, and no more than is missing: a large chunk is not kept for a small message.
    const part = rest.slice(0, missing);
    parts.push(part);
    missing -= part.length;
    if (missing === 0) message = new Uint8Array(Buffer.concat(parts.splice(0)));
    return message;
  };
  return { push, hasStarted: () => seen > 0 };
}

function checkedLength(header: Uint8Array, limitBytes: number, what: string): number {
  const length = viewOf(header).getUint32(0, true);
  if (length === 0) throw protocolError(`read ${what}`, "a frame of no bytes");
  if (length > limitBytes) {
    throw protocolError(`read ${what}`, `a frame of ${length} bytes, more than ${limitBytes}`);
  }
  return length;
}
