// SPDX-License-Identifier: Apache-2.0
/** What the tests of this folder share: a key, an image, the reference vectors' place. */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { ErrorCode } from "../errors/error.ts";
import { RuneError } from "../errors/error.ts";
import { viewOf } from "./bytes.ts";

/** A fresh enclave signing key. */
export function newSigningKey(modulusLength = 3072, publicExponent = 3): KeyObject {
  const { privateKey } = generateKeyPairSync("rsa", {
    modulusLength,
    publicExponent,
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  return createPrivateKey(privateKey);
}

export type TestImageOptions = {
  readonly pages?: number;
  readonly note?: boolean;
  readonly maxMmapSize?: bigint;
  readonly protection?: number;
  readonly mmapMinAddr?: bigint;
};

/** A TCS, one code page, data pages and metadata, filled with bytes that all differ somewhere. */
export function testImage(options: TestImageOptions = {}): Uint8Array {
  const pages = options.pages ?? 4;
  const file = new Uint8Array((pages - 1) * 4096 + 17);
  const view = viewOf(file);
  for (let at = 4096; at < (pages - 1) * 4096; at++) file[at] = (at * 7 + (at >> 8)) & 0xff;
  view.setUint32(28, 1, true); // NSSA
  view.setBigUint64(32, 0x1000n, true); // OENTRY
  const metadata = (pages - 1) * 4096;
  view.setBigUint64(metadata, options.maxMmapSize ?? 0n, true);
  view.setUint8(metadata + 8, options.protection ?? 0);
  view.setBigUint64(metadata + 9, options.mmapMinAddr ?? 0x10000n, true);
  if (options.note === true) {
    const note = metadata - 64;
    file.fill(0, note, metadata);
    new TextEncoder().encodeInto("ENCLPERM", file.subarray(note));
    view.setUint32(note + 8, 1, true);
    view.setBigUint64(note + 16, 4096n, true);
    view.setBigUint64(note + 24, 8192n, true);
    view.setBigUint64(note + 32, 8192n, true);
    view.setBigUint64(note + 40, BigInt(metadata), true);
  }
  return file;
}

/** A copy with one byte changed. */
export function withByte(bytes: Uint8Array, offset: number, change = 1): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[offset] = ((copy[offset] ?? 0) ^ change) & 0xff;
  return copy;
}

/** The code of the RuneError that `action` throws; undefined if it throws nothing. */
export function codeOf(action: () => unknown): ErrorCode | undefined {
  return failureOf(action)?.code;
}

/** The RuneError that `action` throws; undefined if it throws nothing, and anything else rethrown. */
export function failureOf(action: () => unknown): RuneError | undefined {
  try {
    action();
  } catch (error) {
    if (error instanceof RuneError) return error;
    throw error;
  }
  return undefined;
}

/**
 * The folder of a set of public reference vectors, which the repository does not contain.
 * Undefined where it is not there: tests then skip and say so.
 */
export function vectorsFolder(name: string): string | undefined {
  const root =
    process.env["INCLAVARE_VECTORS"] ?? resolve(import.meta.dir, "../../../shared/vectors");
  const folder = join(root, name);
  return existsSync(folder) ? folder : undefined;
}
