// SPDX-License-Identifier: Apache-2.0
/**
 * What a key of the simulated processor depends on, and the key: AES-128-CMAC under the platform's
 * root key over 648 bytes (docs/reference/simulated-keys.md, SDM vol. 3D, EGETKEY).
 */
import { type Attributes, writeAttributes } from "./attributes.ts";
import { viewOf } from "./bytes.ts";
import { aesCmac } from "./cmac.ts";

/** The secret and the registers that keys depend on. */
export type Processor = {
  /** 16 bytes. */
  readonly rootKey: Uint8Array;
  /** CR_CPUSVN, 16 bytes. */
  readonly cpuSvn: Uint8Array;
  /** CR_SGXOWNEREPOCH, 16 bytes. */
  readonly ownerEpoch: Uint8Array;
  /** CR_SEAL_FUSES, 16 bytes. */
  readonly sealFuses: Uint8Array;
};

/** What is absent is zero: the key does not depend on it. */
export type KeyDependencies = {
  readonly keyName: number;
  readonly isvProdId?: number;
  readonly isvSvn?: number;
  readonly configSvn?: number;
  readonly keyPolicy?: number;
  readonly miscSelect?: number;
  /** The complement of KEYREQUEST.MISCMASK. */
  readonly miscMaskComplement?: number;
  readonly attributes?: Attributes;
  readonly attributeMask?: Attributes;
  readonly isvFamilyId?: Uint8Array;
  readonly isvExtProdId?: Uint8Array;
  readonly ownerEpoch?: Uint8Array;
  readonly sealFuses?: Uint8Array;
  readonly cpuSvn?: Uint8Array;
  readonly mrenclave?: Uint8Array;
  readonly mrsigner?: Uint8Array;
  readonly keyId?: Uint8Array;
  readonly configId?: Uint8Array;
};

const BLOCK_BYTES = 648;
const PADDING_AT = 296;

/** HARDCODED_PKCS1_5_PADDING: 00 01, ff, 00 and the DigestInfo of SHA-256. */
const DIGEST_INFO = Uint8Array.from(Buffer.from("003031300d060960864801650304020105000420", "hex"));

export function deriveKey({ rootKey }: Processor, on: KeyDependencies): Uint8Array {
  return aesCmac(rootKey, encodeDependencies(on));
}

export function encodeDependencies(on: KeyDependencies): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  const view = viewOf(block);
  view.setUint16(0, on.keyName, true);
  view.setUint16(2, on.isvProdId ?? 0, true);
  view.setUint16(4, on.isvSvn ?? 0, true);
  view.setUint16(6, on.configSvn ?? 0, true);
  view.setUint16(8, on.keyPolicy ?? 0, true);
  view.setUint32(12, on.miscSelect ?? 0, true);
  view.setUint32(16, on.miscMaskComplement ?? 0, true);
  if (on.attributes !== undefined) writeAttributes(block, 24, on.attributes);
  if (on.attributeMask !== undefined) writeAttributes(block, 40, on.attributeMask);
  const fields = [
    [56, on.isvFamilyId],
    [72, on.isvExtProdId],
    [88, on.ownerEpoch],
    [104, on.sealFuses],
    [120, on.cpuSvn],
    [136, on.mrenclave],
    [168, on.mrsigner],
    [200, on.keyId],
    [232, on.configId],
  ] as const;
  for (const [offset, bytes] of fields) if (bytes !== undefined) block.set(bytes, offset);
  block.fill(0xff, PADDING_AT);
  block.set([0x00, 0x01], PADDING_AT);
  block.set(DIGEST_INFO, BLOCK_BYTES - DIGEST_INFO.length);
  return block;
}
