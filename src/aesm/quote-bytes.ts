// SPDX-License-Identifier: Apache-2.0
/**
 * Quotes as bytes, for whoever can sign them.
 *
 *   head: @0 version u16 | @2 type u16 | @8 QE SVN u16 | @10 PCE SVN u16 | @48 REPORT body 384
 *   EPID, version 2: @4 GID 4 | @12 XEID u32 | @16 BASENAME 32
 *   ECDSA, version 3: @12 vendor 16 | @28 user data 20
 *   both: @432 size u32 | @436 signature data of that size
 */
import { requireSize, viewOf } from "../sgx/bytes.ts";
import { REPORT_BODY_BYTES } from "../sgx/report.ts";
import type { CertifiedKey, EcdsaQuoting, EpidQuoting } from "./platform.ts";

/** What is signed: all before the size. */
export const SIGNED_PART_BYTES = 432;
const ECDSA_P256 = 2;

export function epidSignedPart(
  epid: EpidQuoting,
  linkable: boolean,
  spid: Uint8Array,
  report: Uint8Array,
): Uint8Array {
  const part = head(2, linkable ? 1 : 0, epid, report);
  part.set(epid.groupId, 4);
  viewOf(part).setUint32(12, epid.extendedGroupId, true);
  part.set(spid, 16);
  return part;
}

export function ecdsaSignedPart(ecdsa: EcdsaQuoting, report: Uint8Array): Uint8Array {
  const part = head(3, ECDSA_P256, ecdsa, report);
  part.set(ecdsa.vendorId, 12);
  part.set(ecdsa.userData, 28);
  return part;
}

/** The whole quote of a signed part and what follows the size. */
export function joinQuote(signedPart: Uint8Array, signatureData: Uint8Array): Uint8Array {
  requireSize(signedPart, SIGNED_PART_BYTES, "signed part of a quote");
  return joined(signedPart, u32(signatureData.length), signatureData);
}

/** Signature | key | QE report | its signature | authentication data | certification data. */
export function ecdsaSignatureData(key: CertifiedKey, signature: Uint8Array): Uint8Array {
  requireSize(signature, 64, "ECDSA signature");
  requireSize(key.publicKey, 64, "attestation key");
  requireSize(key.qeReport, REPORT_BODY_BYTES, "report of the quoting enclave");
  requireSize(key.qeReportSignature, 64, "ECDSA signature");
  return joined(
    signature,
    key.publicKey,
    key.qeReport,
    key.qeReportSignature,
    u16(key.authenticationData.length),
    key.authenticationData,
    u16(key.certificationType),
    u32(key.certificationData.length),
    key.certificationData,
  );
}

/** The quote's size, known before it is signed. */
export function ecdsaQuoteBytes(key: CertifiedKey): number {
  const signatureData = ecdsaSignatureData(key, new Uint8Array(64));
  return SIGNED_PART_BYTES + 4 + signatureData.length;
}

function head(
  version: number,
  type: number,
  svn: { readonly qeSvn: number; readonly pceSvn: number },
  report: Uint8Array,
): Uint8Array {
  const part = new Uint8Array(SIGNED_PART_BYTES);
  const view = viewOf(part);
  view.setUint16(0, version, true);
  view.setUint16(2, type, true);
  view.setUint16(8, svn.qeSvn, true);
  view.setUint16(10, svn.pceSvn, true);
  part.set(report.subarray(0, REPORT_BODY_BYTES), 48);
  return part;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, value >> 8);
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value, true);
  return bytes;
}
