// SPDX-License-Identifier: Apache-2.0
/**
 * SECS and SECINFO: what ECREATE and EADD are given (SDM vol. 3D, 34.7 and 34.11).
 *
 * SECS, 4096 bytes; what is not listed is reserved and zero:
 *   @0 SIZE u64 | @8 BASE u64 | @16 SSAFRAMESIZE u32 (pages) | @20 MISCSELECT u32
 *   @48 ATTRIBUTES 16 | @64 MRENCLAVE 32 | @128 MRSIGNER 32 | @192 CONFIGID 64
 *   @256 ISVPRODID u16 | @258 ISVSVN u16 | @260 CONFIGSVN u16
 */
import { type Attributes, writeAttributes } from "./attributes.ts";
import { viewOf } from "./bytes.ts";

export const PAGE_BYTES = 4096;
export const SECS_BYTES = PAGE_BYTES;
export const SECINFO_BYTES = 64;

/** SECINFO.FLAGS: permissions in bits 0-2, page type in bits 8-15. */
export const SECINFO = {
  R: 0x1n,
  W: 0x2n,
  X: 0x4n,
  TCS: 0x100n,
  REG: 0x200n,
} as const;

/** What the author of an enclave chooses of a SECS; the rest is the processor's. */
export type Secs = {
  readonly size: bigint;
  readonly base: bigint;
  readonly ssaFramePages: number;
  readonly miscSelect: number;
  readonly attributes: Attributes;
};

/** The 4096 bytes ECREATE is given. */
export function encodeSecs(secs: Secs): Uint8Array {
  const bytes = new Uint8Array(SECS_BYTES);
  const view = viewOf(bytes);
  view.setBigUint64(0, secs.size, true);
  view.setBigUint64(8, secs.base, true);
  view.setUint32(16, secs.ssaFramePages, true);
  view.setUint32(20, secs.miscSelect, true);
  writeAttributes(bytes, 48, secs.attributes);
  return bytes;
}

/** The 64 bytes EADD is given beside a page: FLAGS u64 at 0, the rest zero. */
export function encodeSecinfo(flags: bigint): Uint8Array {
  const bytes = new Uint8Array(SECINFO_BYTES);
  viewOf(bytes).setBigUint64(0, flags, true);
  return bytes;
}
