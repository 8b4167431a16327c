// SPDX-License-Identifier: Apache-2.0
/**
 * EINITTOKEN: a launch enclave's permission, 304 bytes (SDM vol. 3D, 34.15).
 *
 *   @0 VALID u32, bit 0 | @48 ATTRIBUTES 16 | @64 MRENCLAVE 32 | @128 MRSIGNER 32
 *   @192 CPUSVNLE 16 | @208 ISVPRODIDLE u16 | @210 ISVSVNLE u16 | @236 MASKEDMISCSELECTLE u32
 *   @240 MASKEDATTRIBUTESLE 16 | @256 KEYID 32 | @288 MAC 16, over bytes 0-191
 *
 * The rest is reserved. Only the platform that made a token can check its MAC.
 */
import { RuneError } from "../errors/error.ts";
import { type Attributes, readAttributes } from "./attributes.ts";
import { requireSize, requireZero, viewOf } from "./bytes.ts";

export const EINITTOKEN_BYTES = 304;

export type EinitToken = {
  /** False: the rest means nothing, and EINIT falls back to the platform's launch key hash. */
  readonly valid: boolean;
  readonly attributes: Attributes;
  readonly mrenclave: Uint8Array;
  readonly mrsigner: Uint8Array;
  readonly launchCpuSvn: Uint8Array;
  readonly launchIsvProdId: number;
  readonly launchIsvSvn: number;
  readonly launchMaskedMiscSelect: number;
  readonly launchMaskedAttributes: Attributes;
  readonly keyId: Uint8Array;
  readonly mac: Uint8Array;
};

export function parseEinitToken(bytes: Uint8Array): EinitToken {
  const what = "EINITTOKEN";
  requireSize(bytes, EINITTOKEN_BYTES, what);
  const view = viewOf(bytes);
  const valid = view.getUint32(0, true);
  if (valid > 1) {
    throw new RuneError({
      code: "SGX_FORMAT",
      doing: `read ${what}`,
      reason: `VALID is 0x${valid.toString(16)}, neither 0 nor 1`,
    });
  }
  requireZero(bytes, 4, 48, what);
  requireZero(bytes, 96, 128, what);
  requireZero(bytes, 160, 192, what);
  requireZero(bytes, 212, 236, what);
  return {
    valid: valid === 1,
    attributes: readAttributes(bytes, 48),
    mrenclave: bytes.slice(64, 96),
    mrsigner: bytes.slice(128, 160),
    launchCpuSvn: bytes.slice(192, 208),
    launchIsvProdId: view.getUint16(208, true),
    launchIsvSvn: view.getUint16(210, true),
    launchMaskedMiscSelect: view.getUint32(236, true),
    launchMaskedAttributes: readAttributes(bytes, 240),
    keyId: bytes.slice(256, 288),
    mac: bytes.slice(288, 304),
  };
}
