// SPDX-License-Identifier: Apache-2.0
/**
 * The key that packages sign the sample enclave with. It follows from a sentence, so that a package can be
 * built again with the same bytes; whoever reads this has it, and its MRSIGNER says nothing.
 */
import { checkPrimeSync, createPrivateKey, hkdfSync, type KeyObject } from "node:crypto";

const seed = "inclavare-containers: key of the sample enclave, known to everybody";
const primeBytes = 192;
/** Of SGX's signatures: SDM volume 3D, 37.1.3. */
const exponent = 3n;

let made: KeyObject | undefined;

export function sampleKey(): KeyObject {
  made ??= makeKey();
  return made;
}

function makeKey(): KeyObject {
  const candidates = primes();
  const p = candidates.next().value;
  const q = candidates.next().value;
  const phi = (p - 1n) * (q - 1n);
  // Both primes are 2 modulo 3, so phi is 1, and this divides.
  const d = (2n * phi + 1n) / exponent;
  const inverse = modularPower(q, p - 2n, p);
  const numbers = { n: p * q, e: exponent, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n) };
  const jwk = Object.entries({ ...numbers, qi: inverse }).map(([name, value]) => [
    name,
    base64url(value),
  ]);
  return createPrivateKey({ format: "jwk", key: { kty: "RSA", ...Object.fromEntries(jwk) } });
}

/** Primes of 1536 bits that 3 is usable with; the two highest bits make the product one of 3072. */
function* primes(): Generator<bigint, never> {
  for (let count = 0; ; count++) {
    const bytes = new Uint8Array(hkdfSync("sha256", seed, "", `prime ${count}`, primeBytes));
    bytes[0] = (bytes[0] ?? 0) | 0xc0;
    bytes[primeBytes - 1] = (bytes[primeBytes - 1] ?? 0) | 1;
    const candidate = BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
    if (candidate % 3n === 2n && checkPrimeSync(bytes)) yield candidate;
  }
}

function modularPower(base: bigint, power: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base % modulus;
  for (let rest = power; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

function base64url(value: bigint): string {
  const digits = value.toString(16);
  return Buffer.from(digits.padStart(digits.length + (digits.length % 2), "0"), "hex").toString(
    "base64url",
  );
}
