// SPDX-License-Identifier: Apache-2.0
/**
 * KEYREQUEST: which key an enclave asks EGETKEY for, 512 bytes (SDM vol. 3D, 34.18).
 *
 *   @0 KEYNAME u16 | @2 KEYPOLICY u16 | @4 ISVSVN u16 | @6 reserved 2 | @8 CPUSVN 16
 *   @24 ATTRIBUTEMASK 16 | @40 KEYID 32 | @72 MISCMASK u32 | @76 CONFIGSVN u16 | @78 reserved 434
 */
import { type Attributes, readAttributes, writeAttributes } from "./attributes.ts";
import { requireSize, requireZero, viewOf } from "./bytes.ts";

export const KEYREQUEST_BYTES = 512;

export const KEYNAME = {
  EINITTOKEN: 0,
  PROVISION: 1,
  PROVISION_SEAL: 2,
  REPORT: 3,
  SEAL: 4,
} as const;

/** KEYPOLICY bits; those from NOISVPRODID on need ATTRIBUTES.KSS. */
export const KEYPOLICY = {
  MRENCLAVE: 0x01,
  MRSIGNER: 0x02,
  NOISVPRODID: 0x04,
  CONFIGID: 0x08,
  ISVFAMILYID: 0x10,
  ISVEXTPRODID: 0x20,
} as const;

export type KeyRequest = {
  readonly keyName: number;
  readonly keyPolicy: number;
  readonly isvSvn: number;
  readonly cpuSvn: Uint8Array;
  readonly attributeMask: Attributes;
  readonly keyId: Uint8Array;
  readonly miscMask: number;
  readonly configSvn: number;
};

/** Throws where a reserved byte is set, for which EGETKEY raises #GP. */
export function parseKeyRequest(bytes: Uint8Array): KeyRequest {
  const what = "KEYREQUEST";
  requireSize(bytes, KEYREQUEST_BYTES, what);
  requireZero(bytes, 6, 8, what);
  requireZero(bytes, 78, KEYREQUEST_BYTES, what);
  const view = viewOf(bytes);
  return {
    keyName: view.getUint16(0, true),
    keyPolicy: view.getUint16(2, true),
    isvSvn: view.getUint16(4, true),
    cpuSvn: bytes.slice(8, 24),
    attributeMask: readAttributes(bytes, 24),
    keyId: bytes.slice(40, 72),
    miscMask: view.getUint32(72, true),
    configSvn: view.getUint16(76, true),
  };
}

export function encodeKeyRequest(request: KeyRequest): Uint8Array {
  requireSize(request.cpuSvn, 16, "CPUSVN");
  requireSize(request.keyId, 32, "KEYID");
  const bytes = new Uint8Array(KEYREQUEST_BYTES);
  const view = viewOf(bytes);
  view.setUint16(0, request.keyName, true);
  view.setUint16(2, request.keyPolicy, true);
  view.setUint16(4, request.isvSvn, true);
  bytes.set(request.cpuSvn, 8);
  writeAttributes(bytes, 24, request.attributeMask);
  bytes.set(request.keyId, 40);
  view.setUint32(72, request.miscMask, true);
  view.setUint16(76, request.configSvn, true);
  return bytes;
}
