// SPDX-License-Identifier: Apache-2.0
/**
 * ATTRIBUTES: what an enclave may do, 16 bytes (SDM vol. 3D, 34.7.1).
 *
 *   @0  FLAGS u64
 *   @8  XFRM  u64, the XCR0 value the enclave runs with
 */
import { viewOf } from "./bytes.ts";

export type Attributes = { readonly flags: bigint; readonly xfrm: bigint };

export const ATTRIBUTES_BYTES = 16;

/** FLAGS bits by name; `INIT` is set by EINIT and never in a SIGSTRUCT. */
export const ATTRIBUTE = {
  INIT: 0x1n,
  DEBUG: 0x2n,
  MODE64BIT: 0x4n,
  PROVISIONKEY: 0x10n,
  EINITTOKENKEY: 0x20n,
  CET: 0x40n,
  KSS: 0x80n,
  AEXNOTIFY: 0x400n,
} as const;

/** XFRM bits by name. Every enclave has x87 and SSE. */
export const XFRM = {
  X87: 0x1n,
  SSE: 0x2n,
  AVX: 0x4n,
  BNDREGS: 0x8n,
  BNDCSR: 0x10n,
  OPMASK: 0x20n,
  ZMM_HI256: 0x40n,
  HI16_ZMM: 0x80n,
  PKRU: 0x200n,
  XTILECFG: 0x20000n,
  XTILEDATA: 0x40000n,
} as const;

export const XFRM_LEGACY = XFRM.X87 | XFRM.SSE;

/** MISCSELECT bits by name (SDM vol. 3D, 34.7.2). */
export const MISCSELECT = { EXINFO: 0x1, CPINFO: 0x2 } as const;

/** Reads 16 bytes at `offset`. Precondition: they are there. */
export function readAttributes(bytes: Uint8Array, offset: number): Attributes {
  const view = viewOf(bytes);
  return { flags: view.getBigUint64(offset, true), xfrm: view.getBigUint64(offset + 8, true) };
}

/** Writes 16 bytes at `offset`. Precondition: there is room. */
export function writeAttributes(bytes: Uint8Array, offset: number, value: Attributes): void {
  const view = viewOf(bytes);
  view.setBigUint64(offset, value.flags, true);
  view.setBigUint64(offset + 8, value.xfrm, true);
}

/** The names of the bits set in `value`; what has no name is given as one hexadecimal number. */
export function bitNames(value: bigint, names: Readonly<Record<string, bigint>>): string[] {
  const known = Object.entries(names).filter(([, bit]) => (value & bit) !== 0n);
  const rest = known.reduce((left, [, bit]) => left & ~bit, value);
  const unnamed = rest === 0n ? [] : [`0x${rest.toString(16)}`];
  return [...known.map(([name]) => name), ...unnamed];
}
