// SPDX-License-Identifier: Apache-2.0
/**
 * SIGSTRUCT: an enclave's identity and its author's signature, 1808 bytes (SDM vol. 3D, 34.14).
 *
 *   @0    HEADER 12        | @12  TYPE u32, bit 31 = debug | @16 VENDOR u32 | @20 DATE u32
 *   @24   HEADER2 16       | @40  SWDEFINED u32            | @44 zero 84
 *   @128  MODULUS 384      | @512 EXPONENT u32             | @516 SIGNATURE 384
 *   @900  MISCSELECT u32   | @904 MISCMASK u32
 *   @908  CET_ATTRIBUTES u8 | @909 CET_ATTRIBUTES_MASK u8  | @910 zero 2
 *   @912  ISVFAMILYID 16   | @928 ATTRIBUTES 16            | @944 ATTRIBUTEMASK 16
 *   @960  ENCLAVEHASH 32   | @992 zero 16                  | @1008 ISVEXTPRODID 16
 *   @1024 ISVPRODID u16    | @1026 ISVSVN u16              | @1028 zero 12
 *   @1040 Q1 384           | @1424 Q2 384
 *
 * The author signs bytes 0-127 and 900-1027. All integers are little-endian, the long ones too.
 */
import { createHash } from "node:crypto";
import { RuneError } from "../errors/error.ts";
import { type Attributes, readAttributes, writeAttributes } from "./attributes.ts";
import { requireSize, requireZero, sameBytes, viewOf } from "./bytes.ts";

export const SIGSTRUCT_BYTES = 1808;
export const SIGNED_PART_BYTES = 256;
export const RSA_BYTES = 384;

/** TYPE of an enclave that is not for production use. */
export const TYPE_DEBUG = 0x8000_0000;
export const VENDOR_INTEL = 0x8086;

const HEADER = Uint8Array.of(6, 0, 0, 0, 0xe1, 0, 0, 0, 0, 0, 1, 0);
const HEADER2 = Uint8Array.of(1, 1, 0, 0, 0x60, 0, 0, 0, 0x60, 0, 0, 0, 1, 0, 0, 0);

/** What the author signs. */
export type SigstructBody = {
  readonly type: number;
  readonly vendor: number;
  /** The build date as decimal digits in hexadecimal: 0x20261123. Nothing checks it. */
  readonly date: number;
  /** For the author's use; the sample enclave's loader reads it, see `skeleton-layout.ts`. */
  readonly swDefined: number;
  readonly miscSelect: number;
  readonly miscMask: number;
  readonly cetAttributes: number;
  readonly cetAttributesMask: number;
  readonly isvFamilyId: Uint8Array;
  readonly attributes: Attributes;
  readonly attributeMask: Attributes;
  readonly enclaveHash: Uint8Array;
  readonly isvExtProdId: Uint8Array;
  readonly isvProdId: number;
  readonly isvSvn: number;
};

/** The author's key and signature, long integers little-endian, 384 bytes each. */
export type SigstructSignature = {
  readonly modulus: Uint8Array;
  readonly exponent: number;
  readonly signature: Uint8Array;
  readonly q1: Uint8Array;
  readonly q2: Uint8Array;
};

export type Sigstruct = SigstructBody & SigstructSignature;

/** Reads and checks the form of a SIGSTRUCT; `verifySigstruct` checks what it claims. */
export function parseSigstruct(bytes: Uint8Array): Sigstruct {
  requireSize(bytes, SIGSTRUCT_BYTES, "SIGSTRUCT");
  requireZero(bytes, 1028, 1040, "SIGSTRUCT");
  return {
    ...parseSignedPart(signedPart(bytes)),
    modulus: bytes.slice(128, 512),
    exponent: viewOf(bytes).getUint32(512, true),
    signature: bytes.slice(516, 900),
    q1: bytes.slice(1040, 1424),
    q2: bytes.slice(1424, 1808),
  };
}

/** The 256 bytes an author signs, of a whole SIGSTRUCT. */
export function signedPart(sigstruct: Uint8Array): Uint8Array {
  requireSize(sigstruct, SIGSTRUCT_BYTES, "SIGSTRUCT");
  const part = new Uint8Array(SIGNED_PART_BYTES);
  part.set(sigstruct.subarray(0, 128), 0);
  part.set(sigstruct.subarray(900, 1028), 128);
  return part;
}

/** Reads the 256 signed bytes; in them, what lies at 900 and later of a SIGSTRUCT is at 128. */
export function parseSignedPart(part: Uint8Array): SigstructBody {
  const what = "SIGSTRUCT's signed part";
  requireSize(part, SIGNED_PART_BYTES, what);
  const view = viewOf(part);
  const type = view.getUint32(12, true);
  const vendor = view.getUint32(16, true);
  if (!sameBytes(part.subarray(0, 12), HEADER))
    throw malformed("HEADER is not that of a SIGSTRUCT");
  if (!sameBytes(part.subarray(24, 40), HEADER2)) throw malformed("HEADER2 names another key size");
  if (type !== 0 && type !== TYPE_DEBUG) throw malformed(`TYPE 0x${type.toString(16)} is unknown`);
  if (vendor !== 0 && vendor !== VENDOR_INTEL) {
    throw malformed(`VENDOR 0x${vendor.toString(16)} is neither 0 nor 0x8086`);
  }
  requireZero(part, 44, 128, what);
  requireZero(part, 138, 140, what);
  requireZero(part, 220, 236, what);
  return {
    type,
    vendor,
    date: view.getUint32(20, true),
    swDefined: view.getUint32(40, true),
    miscSelect: view.getUint32(128, true),
    miscMask: view.getUint32(132, true),
    cetAttributes: view.getUint8(136),
    cetAttributesMask: view.getUint8(137),
    isvFamilyId: part.slice(140, 156),
    attributes: readAttributes(part, 156),
    attributeMask: readAttributes(part, 172),
    enclaveHash: part.slice(188, 220),
    isvExtProdId: part.slice(236, 252),
    isvProdId: view.getUint16(252, true),
    isvSvn: view.getUint16(254, true),
  };
}

/** The 256 bytes to be signed, by this program or elsewhere. */
export function encodeSignedPart(body: SigstructBody): Uint8Array {
  const part = new Uint8Array(SIGNED_PART_BYTES);
  const view = viewOf(part);
  part.set(HEADER, 0);
  view.setUint32(12, body.type, true);
  view.setUint32(16, body.vendor, true);
  view.setUint32(20, body.date, true);
  part.set(HEADER2, 24);
  view.setUint32(40, body.swDefined, true);
  view.setUint32(128, body.miscSelect, true);
  view.setUint32(132, body.miscMask, true);
  view.setUint8(136, body.cetAttributes);
  view.setUint8(137, body.cetAttributesMask);
  putExactly(part, 140, 16, body.isvFamilyId, "ISVFAMILYID");
  writeAttributes(part, 156, body.attributes);
  writeAttributes(part, 172, body.attributeMask);
  putExactly(part, 188, 32, body.enclaveHash, "ENCLAVEHASH");
  putExactly(part, 236, 16, body.isvExtProdId, "ISVEXTPRODID");
  view.setUint16(252, body.isvProdId, true);
  view.setUint16(254, body.isvSvn, true);
  return part;
}

/** The 1808 bytes of a signed SIGSTRUCT. */
export function encodeSigstruct(sigstruct: Sigstruct): Uint8Array {
  const bytes = new Uint8Array(SIGSTRUCT_BYTES);
  const part = encodeSignedPart(sigstruct);
  bytes.set(part.subarray(0, 128), 0);
  putExactly(bytes, 128, RSA_BYTES, sigstruct.modulus, "MODULUS");
  viewOf(bytes).setUint32(512, sigstruct.exponent, true);
  putExactly(bytes, 516, RSA_BYTES, sigstruct.signature, "SIGNATURE");
  bytes.set(part.subarray(128), 900);
  putExactly(bytes, 1040, RSA_BYTES, sigstruct.q1, "Q1");
  putExactly(bytes, 1424, RSA_BYTES, sigstruct.q2, "Q2");
  return bytes;
}

/** MRSIGNER: SHA-256 of the modulus as it is stored, little-endian. */
export function mrsigner(modulus: Uint8Array): Uint8Array {
  requireSize(modulus, RSA_BYTES, "MODULUS");
  return Uint8Array.from(createHash("sha256").update(modulus).digest());
}

function putExactly(
  into: Uint8Array,
  offset: number,
  size: number,
  bytes: Uint8Array,
  what: string,
): void {
  requireSize(bytes, size, what);
  into.set(bytes, offset);
}

function malformed(reason: string): RuneError {
  return new RuneError({ code: "SGX_FORMAT", doing: "read SIGSTRUCT", reason });
}
