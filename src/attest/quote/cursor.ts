// SPDX-License-Identifier: Apache-2.0
import { viewOf } from "../../sgx/bytes.ts";
import { formatError } from "../error.ts";

/** Takes little-endian fields from the front of some bytes; every length is checked first. */
export type Cursor = {
  readonly left: number;
  take(size: number, field: string): Uint8Array;
  u16(field: string): number;
  u32(field: string): number;
};

export function cursor(bytes: Uint8Array, what: string): Cursor {
  let at = 0;
  function take(size: number, field: string): Uint8Array {
    if (size > bytes.length - at) {
      throw formatError(what, `${field} of ${size} bytes where ${bytes.length - at} are left`);
    }
    at += size;
    return bytes.subarray(at - size, at);
  }
  return {
    get left() {
      return bytes.length - at;
    },
    take,
    u16: (field) => viewOf(take(2, field)).getUint16(0, true),
    u32: (field) => viewOf(take(4, field)).getUint32(0, true),
  };
}
