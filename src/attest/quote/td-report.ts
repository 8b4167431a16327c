// SPDX-License-Identifier: Apache-2.0
/**
 * The body of a TDX quote: what the TDX module states about a trust domain (Intel, "TDX DCAP
 * Quoting Library API", A.3.2).
 *
 *   @0 TEE_TCB_SVN 16 | @16 MRSEAM 48 | @64 MRSIGNERSEAM 48 | @112 SEAMATTRIBUTES 8
 *   @120 TDATTRIBUTES 8 | @128 XFAM 8 | @136 MRTD 48 | @184 MRCONFIGID 48 | @232 MROWNER 48
 *   @280 MROWNERCONFIG 48 | @328 RTMR0-3 4 x 48 | @520 REPORTDATA 64
 *   TD 1.5 adds: @584 TEE_TCB_SVN2 16 | @600 MRSERVICETD 48
 */
import { requireSize, viewOf } from "../../sgx/bytes.ts";

export const TD_REPORT_BYTES = 584;
export const TD_REPORT_15_BYTES = 648;

/** TDATTRIBUTES bits: the first byte is the group that takes protection away. */
export const TD_ATTRIBUTE = {
  DEBUG: 0x1n,
  SEPT_VE_DISABLE: 1n << 28n,
  MIGRATABLE: 1n << 29n,
  PKS: 1n << 30n,
  KL: 1n << 31n,
  PERFMON: 1n << 63n,
} as const;

/** Bits 0-7 of TDATTRIBUTES: with any of them the domain is not protected from its host. */
export const TD_UNDER_DEBUG = 0xffn;

export type TdReport = {
  readonly teeTcbSvn: Uint8Array;
  readonly mrSeam: Uint8Array;
  readonly mrSignerSeam: Uint8Array;
  readonly seamAttributes: Uint8Array;
  readonly tdAttributes: bigint;
  readonly xfam: bigint;
  readonly mrTd: Uint8Array;
  readonly mrConfigId: Uint8Array;
  readonly mrOwner: Uint8Array;
  readonly mrOwnerConfig: Uint8Array;
  readonly rtmrs: readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  readonly reportData: Uint8Array;
  /** TD 1.5: the TCB the domain runs on now, where `teeTcbSvn` is what it was launched on. */
  readonly teeTcbSvn2: Uint8Array | undefined;
  /** TD 1.5: which service domains are bound to this one; all zero if none. */
  readonly mrServiceTd: Uint8Array | undefined;
};

/** Reads a TD 1.0 or TD 1.5 body; `bytes` must be one's exact size. */
export function parseTdReport(bytes: Uint8Array): TdReport {
  const is15 = bytes.length === TD_REPORT_15_BYTES;
  if (!is15) requireSize(bytes, TD_REPORT_BYTES, "TD report");
  const view = viewOf(bytes);
  const take = (at: number, size: number) => bytes.slice(at, at + size);
  return {
    teeTcbSvn: take(0, 16),
    mrSeam: take(16, 48),
    mrSignerSeam: take(64, 48),
    seamAttributes: take(112, 8),
    tdAttributes: view.getBigUint64(120, true),
    xfam: view.getBigUint64(128, true),
    mrTd: take(136, 48),
    mrConfigId: take(184, 48),
    mrOwner: take(232, 48),
    mrOwnerConfig: take(280, 48),
    rtmrs: [take(328, 48), take(376, 48), take(424, 48), take(472, 48)],
    reportData: take(520, 64),
    teeTcbSvn2: is15 ? take(584, 16) : undefined,
    mrServiceTd: is15 ? take(600, 48) : undefined,
  };
}
