// SPDX-License-Identifier: Apache-2.0
/**
 * P-256 keys and signatures that follow from a seed alone, so that a service which starts again has
 * the same certificates, byte for byte. Signatures are those of RFC 6979, which node:crypto does not
 * make; the arithmetic takes no constant time, which evidence of a simulation need not.
 */
import { createECDH, createHash, createHmac } from "node:crypto";
import type { IssuerKey } from "../../attest/issue/key.ts";
import { p256Key } from "../../attest/x509/keys.ts";
import { toHex } from "../../sgx/bytes.ts";

/** The order of P-256 (FIPS 186-4, D.1.2.3). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const SCALAR_BYTES = 32;

/** The key of 32 bytes of seed. */
export function seededKey(seed: Uint8Array): IssuerKey {
  // The remainder favours some scalars by less than 2^-32.
  return ecdsaKey((integer(seed) % (ORDER - 1n)) + 1n);
}

/** The key with a given scalar. */
export function ecdsaKey(scalar: bigint): IssuerKey {
  return {
    kind: "P-256",
    spki: p256Key(multiplyGenerator(scalar)).spki,
    sign: (bytes) => signWith(scalar, createHash("sha256").update(bytes).digest()),
  };
}

/** RFC 6979, 2.4 and 3.2, with SHA-256, whose size is the order's. */
function signWith(scalar: bigint, digest: Uint8Array): Uint8Array {
  const message = integer(digest) % ORDER;
  for (const nonce of nonces(scalar, message)) {
    const r = integer(multiplyGenerator(nonce).subarray(0, SCALAR_BYTES)) % ORDER;
    const s = (inverse(nonce) * (message + r * scalar)) % ORDER;
    if (r !== 0n && s !== 0n) return Uint8Array.of(...octets(r), ...octets(s));
  }
  throw new Error("unreachable: there is no end of nonces");
}

/** RFC 6979, 3.2, from step b on. */
function* nonces(scalar: bigint, message: bigint): Generator<bigint> {
  const hmac = (key: Uint8Array, ...parts: readonly Uint8Array[]) => {
    const mac = createHmac("sha256", key);
    for (const part of parts) mac.update(part);
    return new Uint8Array(mac.digest());
  };
  const material = [octets(scalar), octets(message)];
  let value: Uint8Array = new Uint8Array(SCALAR_BYTES).fill(1);
  let key: Uint8Array = new Uint8Array(SCALAR_BYTES);
  for (const separator of [0, 1]) {
    key = hmac(key, value, Uint8Array.of(separator), ...material);
    value = hmac(key, value);
  }
  for (;;) {
    value = hmac(key, value);
    const candidate = integer(value);
    if (candidate > 0n && candidate < ORDER) yield candidate;
    key = hmac(key, value, Uint8Array.of(0));
    value = hmac(key, value);
  }
}

/** x || y. */
function multiplyGenerator(scalar: bigint): Uint8Array {
  const point = createECDH("prime256v1");
  point.setPrivateKey(octets(scalar));
  return new Uint8Array(point.getPublicKey()).subarray(1);
}

/** Fermat's: the order is prime. */
function inverse(value: bigint): bigint {
  let result = 1n;
  let base = value % ORDER;
  for (let exponent = ORDER - 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % ORDER;
    base = (base * base) % ORDER;
  }
  return result;
}

function integer(bytes: Uint8Array): bigint {
  return BigInt(`0x0${toHex(bytes)}`);
}

function octets(value: bigint): Uint8Array {
  return new Uint8Array(Buffer.from(value.toString(16).padStart(SCALAR_BYTES * 2, "0"), "hex"));
}
