// SPDX-License-Identifier: Apache-2.0
/**
 * The size of an SSA frame: the XSAVE area of the features in XFRM, the MISC region, the general
 * registers (SDM vol. 3D, 34.9 and 38.7.2). ECREATE wants SSAFRAMESIZE at least that large, and it
 * is measured, so signer and loader must compute it alike.
 */
import { RuneError } from "../errors/error.ts";
import { MISCSELECT } from "./attributes.ts";
import { PAGE_BYTES } from "./secs.ts";

/** Where CPUID leaf 0xD, subleaf `feature`, says that a feature's state lies in the XSAVE area. */
export type XsaveArea = {
  readonly feature: number;
  readonly offset: number;
  readonly bytes: number;
};

/** What every Intel processor with SGX enumerates; offsets of the standard, uncompacted format. */
export const intelXsaveAreas: readonly XsaveArea[] = [
  { feature: 2, offset: 576, bytes: 256 }, // AVX
  { feature: 3, offset: 960, bytes: 64 }, // BNDREGS
  { feature: 4, offset: 1024, bytes: 64 }, // BNDCSR
  { feature: 5, offset: 1088, bytes: 64 }, // opmask
  { feature: 6, offset: 1152, bytes: 512 }, // ZMM_Hi256
  { feature: 7, offset: 1664, bytes: 1024 }, // Hi16_ZMM
  { feature: 9, offset: 2688, bytes: 8 }, // PKRU
  { feature: 17, offset: 2752, bytes: 64 }, // XTILECFG
  { feature: 18, offset: 2816, bytes: 8192 }, // XTILEDATA
];

/** GPRSGX, at the end of a frame. */
const GPRSGX_BYTES = 184;
/** EXINFO, before it, where MISCSELECT asks for it. */
const EXINFO_BYTES = 16;
/** XSAVE legacy region and header, which features 0 and 1 need. */
const XSAVE_BASE_BYTES = 576;
const FIRST_EXTENDED_FEATURE = 2n;
const LAST_FEATURE = 62n;

/** SSAFRAMESIZE in pages for an enclave with this XFRM and MISCSELECT. */
export function ssaFramePages(
  xfrm: bigint,
  miscSelect: number,
  areas: readonly XsaveArea[] = intelXsaveAreas,
): number {
  let xsaveBytes = XSAVE_BASE_BYTES;
  for (let feature = FIRST_EXTENDED_FEATURE; feature <= LAST_FEATURE; feature++) {
    if ((xfrm & (1n << feature)) === 0n) continue;
    const area = areas.find((candidate) => BigInt(candidate.feature) === feature);
    if (area === undefined) {
      throw new RuneError({
        code: "SGX_LIMIT",
        doing: "compute the SSA frame size",
        reason: `the XSAVE area of feature ${feature} in XFRM 0x${xfrm.toString(16)} is unknown`,
      });
    }
    xsaveBytes = Math.max(xsaveBytes, area.offset + area.bytes);
  }
  const miscBytes = (miscSelect & MISCSELECT.EXINFO) === 0 ? 0 : EXINFO_BYTES;
  return Math.ceil((xsaveBytes + miscBytes + GPRSGX_BYTES) / PAGE_BYTES);
}
