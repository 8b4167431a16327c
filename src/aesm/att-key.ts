// SPDX-License-Identifier: Apache-2.0
/**
 * Attestation key ids (Intel, `sgx_att_key_id_ext_t`): 256 bytes that name a key of a quoting enclave.
 *
 *   @0 id u16 | @2 version u16 | @4 MRSIGNER length u16 | @6 MRSIGNER 48 | @54 product id u32
 *   @58 extended product id 16 | @74 config id 64 | @138 family id 16 | @154 algorithm u32
 *   @158 SPID 16 | @174 key type u16 | @176 reserved 80
 */
import { requireSize, sameBytes, viewOf } from "../sgx/bytes.ts";

export const ATT_KEY_ID_BYTES = 256;
/** The part that says which key it is. */
const BASE_BYTES = 158;
const LIST_HEADER_BYTES = 8;

export const ALGORITHM = {
  epidUnlinkable: 0,
  epidLinkable: 1,
  ecdsaP256: 2,
  ecdsaP384: 3,
} as const;

export type AttKeyFields = {
  readonly version: number;
  /** 32 bytes. */
  readonly mrsigner: Uint8Array;
  readonly productId: number;
  readonly algorithm: number;
};

export function encodeAttKeyId(key: AttKeyFields): Uint8Array {
  requireSize(key.mrsigner, 32, "MRSIGNER");
  const bytes = new Uint8Array(ATT_KEY_ID_BYTES);
  const view = viewOf(bytes);
  view.setUint16(2, key.version, true);
  view.setUint16(4, key.mrsigner.length, true);
  bytes.set(key.mrsigner, 6);
  view.setUint32(54, key.productId, true);
  view.setUint32(154, key.algorithm, true);
  return bytes;
}

export function algorithmOf(attKeyId: Uint8Array): number {
  requireSize(attKeyId, ATT_KEY_ID_BYTES, "attestation key id");
  return viewOf(attKeyId).getUint32(154, true);
}

/** Whether two ids name one key, however it is to be used. */
export function sameAttKey(left: Uint8Array, right: Uint8Array): boolean {
  return sameBytes(left.subarray(0, BASE_BYTES), right.subarray(0, BASE_BYTES));
}

/** The ids of ids that follow one another; undefined for a size that cannot be. */
export function splitAttKeyIds(bytes: Uint8Array): Uint8Array[] | undefined {
  if (bytes.length % ATT_KEY_ID_BYTES !== 0) return undefined;
  return Array.from({ length: bytes.length / ATT_KEY_ID_BYTES }, (_, index) =>
    bytes.slice(index * ATT_KEY_ID_BYTES, (index + 1) * ATT_KEY_ID_BYTES),
  );
}

/** The ids of an att_key_id_list: @0 id u16 | @2 version u16 | @4 count u32 | ids. */
export function readAttKeyIdList(list: Uint8Array): Uint8Array[] | undefined {
  if (list.length < LIST_HEADER_BYTES) return undefined;
  const ids = splitAttKeyIds(list.subarray(LIST_HEADER_BYTES));
  return ids?.length === viewOf(list).getUint32(4, true) ? ids : undefined;
}

export function encodeAttKeyIdList(ids: readonly Uint8Array[]): Uint8Array {
  const header = new Uint8Array(LIST_HEADER_BYTES);
  viewOf(header).setUint32(4, ids.length, true);
  return new Uint8Array(Buffer.concat([header, ...ids]));
}
