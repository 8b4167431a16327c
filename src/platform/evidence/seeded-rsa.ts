// SPDX-License-Identifier: Apache-2.0
/** RSA keys that follow from a seed alone: what reports on EPID quotes are signed with. */
import { checkPrime, createPrivateKey, createPublicKey, hkdfSync, sign } from "node:crypto";
import { promisify } from "node:util";
import type { IssuerKey } from "../../attest/issue/key.ts";
import { toHex } from "../../sgx/bytes.ts";

const PRIME_BYTES = 128;
const PUBLIC_EXPONENT = 65_537n;

/** Made keys by seed: finding primes takes some tenths of a second. */
const made = new Map<string, Promise<IssuerKey>>();
const MOST_MADE = 8;

/** The 2048-bit key of 32 bytes of seed. Primes are looked for on other threads. */
export function seededRsaKey(seed: Uint8Array): Promise<IssuerKey> {
  const name = toHex(seed);
  const known = made.get(name);
  if (known !== undefined) return known;
  if (made.size >= MOST_MADE) made.clear();
  const key = makeKey(seed);
  made.set(name, key);
  return key;
}

async function makeKey(seed: Uint8Array): Promise<IssuerKey> {
  const [p, q] = await twoPrimes(seed);
  const d = inverse(PUBLIC_EXPONENT, (p - 1n) * (q - 1n));
  const key = createPrivateKey({
    format: "jwk",
    key: {
      kty: "RSA",
      n: base64url(p * q),
      e: base64url(PUBLIC_EXPONENT),
      d: base64url(d),
      p: base64url(p),
      q: base64url(q),
      dp: base64url(d % (p - 1n)),
      dq: base64url(d % (q - 1n)),
      qi: base64url(inverse(q, p)),
    },
  });
  const spki = createPublicKey(key).export({ type: "spki", format: "der" });
  return {
    kind: "RSA",
    spki: new Uint8Array(spki),
    sign: (bytes) => new Uint8Array(sign("sha256", bytes, key)),
  };
}

const isPrime = promisify<Uint8Array, boolean>(checkPrime);

/** The first two primes of 1024 bits, whose two highest are set so that a product has 2048. */
async function twoPrimes(seed: Uint8Array): Promise<readonly [bigint, bigint]> {
  const found: bigint[] = [];
  for (let count = 0; ; count++) {
    const bytes = new Uint8Array(hkdfSync("sha256", seed, "", `prime ${count}`, PRIME_BYTES));
    bytes[0] = (bytes[0] ?? 0) | 0xc0;
    bytes[PRIME_BYTES - 1] = (bytes[PRIME_BYTES - 1] ?? 0) | 1;
    const candidate = BigInt(`0x${toHex(bytes)}`);
    if ((candidate - 1n) % PUBLIC_EXPONENT === 0n || hasSmallFactor(candidate)) continue;
    if (!(await isPrime(bytes))) continue;
    found.push(candidate);
    const [p, q] = found;
    if (p !== undefined && q !== undefined) return [p, q];
  }
}

/** The odd primes below 2^11: five of six candidates are found composite by them, at little cost. */
const SMALL_PRIMES: readonly bigint[] = sieve(1 << 11);

function sieve(limit: number): bigint[] {
  const found: number[] = [];
  for (let number = 3; number < limit; number += 2) {
    if (!found.some((prime) => number % prime === 0)) found.push(number);
  }
  return found.map(BigInt);
}

function hasSmallFactor(candidate: bigint): boolean {
  return SMALL_PRIMES.some((prime) => candidate % prime === 0n);
}

/** Euclid's, extended. Precondition: they have no common divisor. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [low, high] = [value % modulus, modulus];
  let [x, y] = [1n, 0n];
  while (low > 1n) {
    const quotient = high / low;
    [low, high] = [high % low, low];
    [x, y] = [y - quotient * x, x];
  }
  return ((x % modulus) + modulus) % modulus;
}

function base64url(value: bigint): string {
  const digits = value.toString(16);
  return Buffer.from(digits.padStart(digits.length + (digits.length % 2), "0"), "hex").toString(
    "base64url",
  );
}
