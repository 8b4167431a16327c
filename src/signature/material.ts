// SPDX-License-Identifier: Apache-2.0
/** What is signed: the 256 bytes of a SIGSTRUCT that EINIT's signature covers. */
import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import { RuneError } from "../errors/error.ts";
import { toHex } from "../sgx/bytes.ts";
import { requireEnclaveKey } from "../sgx/sign.ts";
import { parseSignedPart, SIGNED_PART_BYTES } from "../sgx/sigstruct.ts";

export type Signed = {
  /** Big-endian, as RSA tools write it. */
  readonly signature: Uint8Array;
  /** SubjectPublicKeyInfo. */
  readonly publicKeyPem: string;
};

/** Facts about the material for logs: what it is called, and whose enclave it would become. */
export function describeMaterial(material: Uint8Array): Record<string, string | number | boolean> {
  const sha256 = createHash("sha256").update(material).digest("hex");
  if (material.length !== SIGNED_PART_BYTES) return { sha256, bytes: material.length };
  try {
    const { enclaveHash, isvProdId, isvSvn, attributes } = parseSignedPart(material);
    const debug = (attributes.flags & 2n) !== 0n;
    return { sha256, mrenclave: toHex(enclaveHash), isvProdId, isvSvn, debug };
  } catch {
    return { sha256, bytes: material.length };
  }
}

/** Throws SIGNATURE unless it is the part of a SIGSTRUCT that is signed. */
export function requireSignedPart(material: Uint8Array): void {
  if (material.length !== SIGNED_PART_BYTES) {
    throw new RuneError({
      code: "SIGNATURE",
      doing: "read signing material",
      reason: `${material.length} bytes; the signed part of a SIGSTRUCT has ${SIGNED_PART_BYTES}`,
    });
  }
  parseSignedPart(material);
}

/** @throws RuneError SGX_KEY where no enclave could be signed with it */
export function readPublicKey(pem: string, what: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch (cause) {
    const reason = "it is no public key in PEM";
    throw new RuneError({ code: "SGX_KEY", doing: `read ${what}`, reason, cause });
  }
  requireEnclaveKey(key);
  return key;
}

/** Throws SIGNATURE unless the key made the signature of the material: PKCS#1 v1.5, SHA-256. */
export function requireSignature(
  material: Uint8Array,
  signature: Uint8Array,
  key: KeyObject,
): void {
  if (verify("sha256", material, key, signature)) return;
  throw new RuneError({
    code: "SIGNATURE",
    doing: "verify the signature",
    reason: "it is not of this material by this key",
  });
}
