// SPDX-License-Identifier: Apache-2.0
/**
 * Public keys and signatures of the two kinds there are: ECDSA on P-256 and RSA (IAS), both with
 * SHA-256. node:crypto does the arithmetic; what it is given is in one fixed form.
 */
import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { toHex } from "../../sgx/bytes.ts";
import { type DerReader, derReader, enterOnly, TAG } from "../der/reader.ts";
import { readBitBytes, readNull, readOid, readUnsigned } from "../der/values.ts";
import { attestError, formatError } from "../error.ts";

export type KeyKind = "P-256" | "RSA";

export type PublicKey = {
  readonly kind: KeyKind;
  /** SubjectPublicKeyInfo: two keys are the same if these bytes are. */
  readonly spki: Uint8Array;
};

/** A signature as its verifier takes it: r || s of 64 bytes, or the RSA block. */
export type Signature = { readonly kind: KeyKind; readonly value: Uint8Array };

const OID_EC_PUBLIC_KEY = "1.2.840.10045.2.1";
const OID_P256 = "1.2.840.10045.3.1.7";
const OID_RSA = "1.2.840.113549.1.1.1";
const OID_ECDSA_SHA256 = "1.2.840.10045.4.3.2";
const OID_RSA_SHA256 = "1.2.840.113549.1.1.11";

/** What stands before x || y in the SubjectPublicKeyInfo of a P-256 key. */
const P256_PREFIX = Buffer.from("3059301306072a8648ce3d020106082a8648ce3d03010703420004", "hex");

/** Keys of 2048 bits are what IAS signs with; shorter ones are not believed. */
const SHORTEST_RSA_BYTES = 256;
const LONGEST_RSA_BYTES = 512;

/** The P-256 key with the 64 bytes x || y, as quotes carry it. */
export function p256Key(point: Uint8Array): PublicKey {
  const spki = new Uint8Array(P256_PREFIX.length + 64);
  spki.set(P256_PREFIX);
  spki.set(point.subarray(0, 64), P256_PREFIX.length);
  return { kind: "P-256", spki };
}

/** x || y of a P-256 key. */
export function pointOf(key: PublicKey): Uint8Array {
  return key.spki.slice(P256_PREFIX.length);
}

/** Reads SubjectPublicKeyInfo (RFC 5480 and RFC 3279). */
export function readPublicKey(reader: DerReader): PublicKey {
  const { whole } = reader.next(TAG.sequence);
  const fields = enterOnly(whole, TAG.sequence, reader.what);
  const algorithm = fields.enter(TAG.sequence);
  const oid = readOid(algorithm);
  if (oid === OID_EC_PUBLIC_KEY) {
    const curve = readOid(algorithm);
    if (curve !== OID_P256) throw formatError(reader.what, `key on curve ${curve}, not P-256`);
    const point = readBitBytes(fields);
    if (point.length !== 65 || point[0] !== 4) {
      throw formatError(reader.what, "P-256 key that is no uncompressed point");
    }
  } else if (oid === OID_RSA) {
    readNull(algorithm);
    checkRsaKey(readBitBytes(fields), reader.what);
  } else throw formatError(reader.what, `key of algorithm ${oid}`);
  algorithm.finish();
  fields.finish();
  return { kind: oid === OID_RSA ? "RSA" : "P-256", spki: whole };
}

function checkRsaKey(bytes: Uint8Array, what: string): void {
  const fields = enterOnly(bytes, TAG.sequence, what);
  const modulus = readUnsigned(fields);
  const exponent = readUnsigned(fields);
  fields.finish();
  if (modulus.length < SHORTEST_RSA_BYTES || modulus.length > LONGEST_RSA_BYTES) {
    throw formatError(what, `RSA key of ${modulus.length * 8} bits`);
  }
  if (toHex(exponent) !== "010001") throw formatError(what, "RSA exponent other than 65537");
}

/** Reads AlgorithmIdentifier of a signature. */
export function readSignatureKind(reader: DerReader): KeyKind {
  const fields = reader.enter(TAG.sequence);
  const oid = readOid(fields);
  // RFC 5758: no parameters with ECDSA; RFC 4055: NULL with RSA.
  if (oid === OID_RSA_SHA256) readNull(fields);
  else if (oid !== OID_ECDSA_SHA256) throw formatError(reader.what, `signature algorithm ${oid}`);
  fields.finish();
  return oid === OID_RSA_SHA256 ? "RSA" : "P-256";
}

/** Reads the BIT STRING that ends a certificate or CRL. */
export function readSignature(reader: DerReader, kind: KeyKind): Signature {
  const bytes = readBitBytes(reader);
  return { kind, value: kind === "RSA" ? bytes : rawEcdsa(bytes, reader.what) };
}

/** ECDSA-Sig-Value as r || s. Strict here, so that a signature has one encoding. */
export function rawEcdsa(bytes: Uint8Array, what: string): Uint8Array {
  const outer = derReader(bytes, what);
  const fields = outer.enter(TAG.sequence);
  outer.finish();
  const raw = new Uint8Array(64);
  for (const end of [32, 64]) {
    const number = readUnsigned(fields);
    if (number.length > 32) throw formatError(what, "ECDSA signature with more than 256 bits");
    raw.set(number, end - number.length);
  }
  fields.finish();
  return raw;
}

/** Whether `signature` is this key's over `signed`. False too for a point that is not on the curve. */
export function isSignedBy(key: PublicKey, signed: Uint8Array, signature: Signature): boolean {
  if (key.kind !== signature.kind) return false;
  const object = importKey(key);
  if (object === undefined) return false;
  if (key.kind === "RSA") return verify("sha256", signed, object, signature.value);
  if (signature.value.length !== 64) return false;
  return verify("sha256", signed, { key: object, dsaEncoding: "ieee-p1363" }, signature.value);
}

/** Throws unless `signature` is this key's over `signed`. */
export function requireSignature(
  key: PublicKey,
  signed: Uint8Array,
  signature: Signature,
  doing: string,
  signer: string,
): void {
  if (isSignedBy(key, signed, signature)) return;
  throw attestError("ATTEST_SIGNATURE", doing, `the signature is not ${signer}'s over these bytes`);
}

/**
 * Keys that were imported lately. Checking that a point is on the curve costs Node twice what a
 * signature costs, and Intel's handful of keys come with every quote.
 */
const imported = new Map<string, KeyObject>();
const MOST_IMPORTED = 32;

function importKey(key: PublicKey): KeyObject | undefined {
  const name = toHex(key.spki);
  const known = imported.get(name);
  if (known !== undefined) return known;
  try {
    const object = createPublicKey({ key: Buffer.from(key.spki), format: "der", type: "spki" });
    if (imported.size === MOST_IMPORTED) imported.clear();
    imported.set(name, object);
    return object;
  } catch {
    return undefined;
  }
}
