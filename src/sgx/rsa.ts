// SPDX-License-Identifier: Apache-2.0
/**
 * The RSA of EINIT: 3072 bits, exponent 3, PKCS#1 v1.5 with SHA-256, and the two quotients that
 * let the processor cube the signature without dividing (SDM vol. 3D, 34.14 and EINIT).
 *
 *   Q1 = floor(S^2 / M), Q2 = floor((S^3 - Q1*S*M) / M)
 *
 * Everything here is public data, so nothing needs to run in constant time.
 */
import { createHash } from "node:crypto";
import { RSA_BYTES } from "./sigstruct.ts";

export const RSA_EXPONENT = 3;

/** DigestInfo of SHA-256 (RFC 8017, 9.2 note 1). */
const SHA256_DIGEST_INFO = "3031300d060960864801650304020105000420";

/** `cube` = S^3 mod M, what must equal the padded hash. */
export type Cubed = { readonly q1: bigint; readonly q2: bigint; readonly cube: bigint };

/** Computes both quotients and the cube as EINIT does. Precondition: modulus > 0. */
export function cubeWithQuotients(signature: bigint, modulus: bigint): Cubed {
  const square = signature * signature;
  const q1 = square / modulus;
  const product = signature * (square - q1 * modulus);
  const q2 = product / modulus;
  return { q1, q2, cube: product - q2 * modulus };
}

/** EMSA-PKCS1-v1_5 of `message` for a 3072-bit key, as an integer (RFC 8017, 9.2). */
export function paddedHash(message: Uint8Array): bigint {
  const digest = createHash("sha256").update(message).digest("hex");
  const tail = `00${SHA256_DIGEST_INFO}${digest}`;
  return BigInt(`0x0001${"f".repeat(RSA_BYTES * 2 - 4 - tail.length)}${tail}`);
}
