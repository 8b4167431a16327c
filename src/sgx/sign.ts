// SPDX-License-Identifier: Apache-2.0
/** Signs a SIGSTRUCT, or puts one together from a signature that was made elsewhere. */
import { type KeyObject, sign } from "node:crypto";
import { RuneError } from "../errors/error.ts";
import { integerFromLittleEndian, integerToLittleEndian } from "./bytes.ts";
import { cubeWithQuotients, RSA_EXPONENT } from "./rsa.ts";
import {
  encodeSignedPart,
  encodeSigstruct,
  parseSignedPart,
  RSA_BYTES,
  type SigstructBody,
} from "./sigstruct.ts";
import { verifySigstruct } from "./verify.ts";

/** Signs with a private key at hand. PKCS#1 v1.5 has no salt: the same input, the same 1808 bytes. */
export function signSigstruct(body: SigstructBody, key: KeyObject): Uint8Array {
  if (key.type !== "private") throw wrongKey(`a ${key.type} key cannot sign`);
  requireEnclaveKey(key);
  const part = encodeSignedPart(body);
  return assembleSigstruct(part, key, Uint8Array.from(sign("sha256", part, key)));
}

/**
 * Puts a SIGSTRUCT together from the 256 signed bytes, the signer's key (its public half is enough)
 * and the signature as RSA tools write it: 384 bytes, big-endian. The result has been verified.
 */
export function assembleSigstruct(
  part: Uint8Array,
  key: KeyObject,
  bigEndianSignature: Uint8Array,
): Uint8Array {
  const body = parseSignedPart(part);
  const modulus = requireEnclaveKey(key);
  if (bigEndianSignature.length !== RSA_BYTES) {
    throw new RuneError({
      code: "SGX_SIGNATURE",
      doing: "assemble SIGSTRUCT",
      reason: `the signature has ${bigEndianSignature.length} bytes instead of ${RSA_BYTES}`,
    });
  }
  const signature = integerFromLittleEndian(bigEndianSignature.toReversed());
  if (signature >= modulus) {
    throw new RuneError({
      code: "SGX_SIGNATURE",
      doing: "assemble SIGSTRUCT",
      reason: "the signature is not below the key's modulus",
    });
  }
  const { q1, q2 } = cubeWithQuotients(signature, modulus);
  const bytes = encodeSigstruct({
    ...body,
    modulus: integerToLittleEndian(modulus, RSA_BYTES),
    exponent: RSA_EXPONENT,
    signature: integerToLittleEndian(signature, RSA_BYTES),
    q1: integerToLittleEndian(q1, RSA_BYTES),
    q2: integerToLittleEndian(q2, RSA_BYTES),
  });
  verifySigstruct(bytes);
  return bytes;
}

/** Throws unless `key` is RSA with 3072 bits and exponent 3, and returns its modulus. */
export function requireEnclaveKey(key: KeyObject): bigint {
  const { modulusLength, publicExponent } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType !== "rsa") {
    throw wrongKey(`it is of type \`${key.asymmetricKeyType ?? key.type}\`, not RSA`);
  }
  if (modulusLength !== RSA_BYTES * 8) throw wrongKey(`it has ${modulusLength} bits, not 3072`);
  if (publicExponent !== BigInt(RSA_EXPONENT)) {
    throw wrongKey(`its exponent is ${publicExponent}, not 3`);
  }
  const { n } = key.export({ format: "jwk" });
  if (n === undefined) throw wrongKey("its modulus cannot be read");
  return BigInt(`0x${Buffer.from(n, "base64url").toString("hex")}`);
}

function wrongKey(reason: string): RuneError {
  return new RuneError({
    code: "SGX_KEY",
    doing: "use signing key",
    reason,
    hint: "EINIT takes RSA-3072 with exponent 3: openssl genrsa -3 -out key.pem 3072",
  });
}
