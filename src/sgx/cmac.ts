// SPDX-License-Identifier: Apache-2.0
/** AES-128-CMAC (NIST SP 800-38B, RFC 4493), which node:crypto does not have. */
import { createCipheriv } from "node:crypto";

const BLOCK_BYTES = 16;
/** The polynomial of GF(2^128) without its highest term (SP 800-38B, 5.3). */
const REDUCTION = 0x87;

/** Precondition: `key` is 16 bytes long. */
export function aesCmac(key: Uint8Array, message: Uint8Array): Uint8Array {
  const first = doubled(encryptBlocks(key, new Uint8Array(BLOCK_BYTES)));
  const blocks = Math.max(1, Math.ceil(message.length / BLOCK_BYTES));
  const padded = new Uint8Array(blocks * BLOCK_BYTES);
  padded.set(message);
  const whole = message.length === padded.length;
  if (!whole) padded[message.length] = 0x80;
  const mask = whole ? first : doubled(first);
  const last = padded.length - BLOCK_BYTES;
  for (let i = 0; i < BLOCK_BYTES; i++) padded[last + i] = at(padded, last + i) ^ at(mask, i);
  // CMAC is the last block of CBC under a zero vector.
  return chain(key, padded).slice(-BLOCK_BYTES);
}

/** Multiplies by x in GF(2^128), most significant bit first. */
function doubled(block: Uint8Array): Uint8Array {
  const result = new Uint8Array(BLOCK_BYTES);
  for (let i = 0; i < BLOCK_BYTES; i++) {
    result[i] = (at(block, i) << 1) | ((block[i + 1] ?? 0) >> 7);
  }
  if (at(block, 0) >= 0x80) result[BLOCK_BYTES - 1] = at(result, BLOCK_BYTES - 1) ^ REDUCTION;
  return result;
}

function at(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0;
}

function encryptBlocks(key: Uint8Array, blocks: Uint8Array): Uint8Array {
  const cipher = createCipheriv("aes-128-ecb", key, null).setAutoPadding(false);
  return cipher.update(blocks);
}

function chain(key: Uint8Array, blocks: Uint8Array): Uint8Array {
  const zero = new Uint8Array(BLOCK_BYTES);
  return createCipheriv("aes-128-cbc", key, zero).setAutoPadding(false).update(blocks);
}
