// SPDX-License-Identifier: Apache-2.0
/**
 * MRENCLAVE: SHA-256 over a stream of 64-byte records, one per instruction that built the enclave
 * (SDM vol. 3D, 35.1.2; the pseudo-code of ECREATE, EADD and EEXTEND).
 *
 *   ECREATE  "ECREATE\0"     | SSAFRAMESIZE u32 | SIZE u64 | 44 zero
 *   EADD     "EADD\0\0\0\0"  | page offset u64  | first 48 bytes of SECINFO
 *   EEXTEND  "EEXTEND\0"     | chunk offset u64 | 48 zero, then the 256 bytes of the chunk
 */
import { createHash } from "node:crypto";
import { RuneError } from "../errors/error.ts";
import { viewOf } from "./bytes.ts";
import { PAGE_BYTES } from "./secs.ts";

const RECORD_BYTES = 64;
const CHUNK_BYTES = 256;

/** ECREATE refuses smaller enclaves. */
const SMALLEST_ENCLAVE_BYTES = 8192n;

export type Measurement = {
  /** EADD of one page. */
  add(offset: bigint, secinfoFlags: bigint): void;
  /** EEXTEND of one 256-byte chunk. */
  extend(offset: bigint, chunk: Uint8Array): void;
  /** EADD, then EEXTEND of all sixteen chunks: a measured page. */
  addMeasured(offset: bigint, secinfoFlags: bigint, page: Uint8Array): void;
  /** The 32 bytes of MRENCLAVE. Nothing can be added afterwards. */
  finish(): Uint8Array;
};

/** Is told how far the measuring of an image is, in bytes: images of gigabytes take minutes. */
export type MeasureWatch = (done: number, total: number) => void;

/** Starts a measurement with ECREATE's record. `size` is the enclave range's in bytes. */
export function measure(ssaFramePages: number, size: bigint): Measurement {
  if (size < SMALLEST_ENCLAVE_BYTES || (size & (size - 1n)) !== 0n || size >= 1n << 64n) {
    throw limit(`enclave size 0x${size.toString(16)} is no power of two from 8192 bytes up`);
  }
  if (!Number.isInteger(ssaFramePages) || ssaFramePages < 1 || ssaFramePages > 0xffff_ffff) {
    throw limit(`an SSA frame of ${ssaFramePages} pages`);
  }
  const hash = createHash("sha256");
  const record = new Uint8Array(RECORD_BYTES);
  const view = viewOf(record);

  function put(tag: string, fill: () => void): void {
    record.fill(0);
    new TextEncoder().encodeInto(tag, record);
    fill();
    hash.update(record);
  }

  function checkOffset(offset: bigint, alignment: bigint): void {
    if (offset < 0n || offset >= size || offset % alignment !== 0n) {
      throw limit(`offset 0x${offset.toString(16)} does not lie aligned in the enclave`);
    }
  }

  function add(offset: bigint, secinfoFlags: bigint): void {
    checkOffset(offset, BigInt(PAGE_BYTES));
    put("EADD", () => {
      view.setBigUint64(8, offset, true);
      view.setBigUint64(16, secinfoFlags, true);
    });
  }

  function extend(offset: bigint, chunk: Uint8Array): void {
    checkOffset(offset, BigInt(CHUNK_BYTES));
    if (chunk.length !== CHUNK_BYTES) throw limit(`a chunk of ${chunk.length} bytes`);
    put("EEXTEND", () => view.setBigUint64(8, offset, true));
    hash.update(chunk);
  }

  put("ECREATE", () => {
    view.setUint32(8, ssaFramePages, true);
    view.setBigUint64(12, size, true);
  });
  return {
    add,
    extend,
    addMeasured(offset, secinfoFlags, page) {
      if (page.length !== PAGE_BYTES) throw limit(`a page of ${page.length} bytes`);
      add(offset, secinfoFlags);
      for (let at = 0; at < PAGE_BYTES; at += CHUNK_BYTES) {
        extend(offset + BigInt(at), page.subarray(at, at + CHUNK_BYTES));
      }
    },
    finish: () => Uint8Array.from(hash.digest()),
  };
}

function limit(reason: string): RuneError {
  return new RuneError({ code: "SGX_LIMIT", doing: "measure enclave", reason });
}
