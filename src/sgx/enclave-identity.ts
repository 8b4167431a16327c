// SPDX-License-Identifier: Apache-2.0
/**
 * What the processor knows of an initialised enclave, its SECS: who it is to EREPORT and EGETKEY.
 * 192 bytes where it is sent, laid out as follows:
 *
 *   @0 ATTRIBUTES 16 | @16 MISCSELECT u32 | @20 ISVPRODID u16 | @22 ISVSVN u16 | @24 CONFIGSVN u16
 *   @26 reserved 6 | @32 MRENCLAVE 32 | @64 MRSIGNER 32 | @96 CONFIGID 64 | @160 ISVFAMILYID 16
 *   @176 ISVEXTPRODID 16
 */
import { type Attributes, readAttributes, writeAttributes } from "./attributes.ts";
import { requireSize, requireZero, viewOf } from "./bytes.ts";

export const ENCLAVE_IDENTITY_BYTES = 192;

export type EnclaveIdentity = {
  /** With INIT. */
  readonly attributes: Attributes;
  readonly miscSelect: number;
  readonly isvProdId: number;
  readonly isvSvn: number;
  readonly configSvn: number;
  readonly mrenclave: Uint8Array;
  readonly mrsigner: Uint8Array;
  readonly configId: Uint8Array;
  readonly isvFamilyId: Uint8Array;
  readonly isvExtProdId: Uint8Array;
};

export function parseEnclaveIdentity(bytes: Uint8Array): EnclaveIdentity {
  const what = "enclave identity";
  requireSize(bytes, ENCLAVE_IDENTITY_BYTES, what);
  requireZero(bytes, 26, 32, what);
  const view = viewOf(bytes);
  return {
    attributes: readAttributes(bytes, 0),
    miscSelect: view.getUint32(16, true),
    isvProdId: view.getUint16(20, true),
    isvSvn: view.getUint16(22, true),
    configSvn: view.getUint16(24, true),
    mrenclave: bytes.slice(32, 64),
    mrsigner: bytes.slice(64, 96),
    configId: bytes.slice(96, 160),
    isvFamilyId: bytes.slice(160, 176),
    isvExtProdId: bytes.slice(176, 192),
  };
}

export function encodeEnclaveIdentity(identity: EnclaveIdentity): Uint8Array {
  requireSize(identity.mrenclave, 32, "MRENCLAVE");
  requireSize(identity.mrsigner, 32, "MRSIGNER");
  requireSize(identity.configId, 64, "CONFIGID");
  requireSize(identity.isvFamilyId, 16, "ISVFAMILYID");
  requireSize(identity.isvExtProdId, 16, "ISVEXTPRODID");
  const bytes = new Uint8Array(ENCLAVE_IDENTITY_BYTES);
  const view = viewOf(bytes);
  writeAttributes(bytes, 0, identity.attributes);
  view.setUint32(16, identity.miscSelect, true);
  view.setUint16(20, identity.isvProdId, true);
  view.setUint16(22, identity.isvSvn, true);
  view.setUint16(24, identity.configSvn, true);
  bytes.set(identity.mrenclave, 32);
  bytes.set(identity.mrsigner, 64);
  bytes.set(identity.configId, 96);
  bytes.set(identity.isvFamilyId, 160);
  bytes.set(identity.isvExtProdId, 176);
  return bytes;
}
