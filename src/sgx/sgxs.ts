// SPDX-License-Identifier: Apache-2.0
/**
 * .sgxs files: the stream that MRENCLAVE is the hash of, with the data of pages that are loaded but
 * not measured in between (fortanix' `sgxs`). A record is 64 bytes, an EEXTEND's or UNMEASRD's is
 * followed by 256 of data.
 */
import { RuneError } from "../errors/error.ts";
import { requireZero, viewOf } from "./bytes.ts";
import { type Measurement, type MeasureWatch, measure } from "./measurement.ts";

const RECORD_BYTES = 64;
const CHUNK_BYTES = 256;

export type SgxsMeasurement = {
  readonly mrenclave: Uint8Array;
  readonly enclaveBytes: bigint;
  readonly ssaFramePages: number;
  readonly pages: number;
  /** 256-byte chunks that are in the measurement, and those that are not. */
  readonly measuredChunks: number;
  readonly unmeasuredChunks: number;
};

/** Whether a file starts as such a stream does. */
export function isSgxs(bytes: Uint8Array): boolean {
  return bytes.length >= RECORD_BYTES && tagOf(bytes, 0) === "ECREATE\0";
}

/** Checks a stream record by record and computes what the processor would. */
export function measureSgxs(bytes: Uint8Array, watch?: MeasureWatch): SgxsMeasurement {
  const what = ".sgxs stream";
  if (!isSgxs(bytes)) throw format("it does not start with ECREATE");
  const view = viewOf(bytes);
  const ssaFramePages = view.getUint32(8, true);
  const enclaveBytes = view.getBigUint64(12, true);
  requireZero(bytes, 20, RECORD_BYTES, what);
  const measurement: Measurement = measure(ssaFramePages, enclaveBytes);
  const counts = { pages: 0, measured: 0, unmeasured: 0 };
  let at = RECORD_BYTES;
  while (at < bytes.length) {
    watch?.(at, bytes.length);
    if (bytes.length - at < RECORD_BYTES) throw format(`ends within a record at offset ${at}`);
    const offset = view.getBigUint64(at + 8, true);
    const tag = tagOf(bytes, at);
    if (tag === "EADD\0\0\0\0") {
      requireZero(bytes, at + 24, at + RECORD_BYTES, what);
      measurement.add(offset, view.getBigUint64(at + 16, true));
      counts.pages++;
      at += RECORD_BYTES;
      continue;
    }
    if (tag !== "EEXTEND\0" && tag !== "UNMEASRD") {
      throw format(`record ${JSON.stringify(tag)} at offset ${at}`);
    }
    requireZero(bytes, at + 16, at + RECORD_BYTES, what);
    const chunk = bytes.subarray(at + RECORD_BYTES, at + RECORD_BYTES + CHUNK_BYTES);
    if (chunk.length < CHUNK_BYTES) throw format(`ends within data at offset ${at}`);
    if (tag === "UNMEASRD") counts.unmeasured++;
    else {
      measurement.extend(offset, chunk);
      counts.measured++;
    }
    at += RECORD_BYTES + CHUNK_BYTES;
  }
  return {
    mrenclave: measurement.finish(),
    enclaveBytes,
    ssaFramePages,
    pages: counts.pages,
    measuredChunks: counts.measured,
    unmeasuredChunks: counts.unmeasured,
  };
}

function tagOf(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 8));
}

function format(reason: string): RuneError {
  return new RuneError({ code: "SGX_FORMAT", doing: "read .sgxs stream", reason });
}
