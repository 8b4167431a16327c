// SPDX-License-Identifier: Apache-2.0
/**
 * An enclave's file, app.encl: a page with the header, one with the SIGSTRUCT, then the measured
 * pages. docs/protocol/wasm-enclave.md; native/wasm/shared/image.h is the same for the loader.
 */
import { RuneError } from "../errors/error.ts";
import { sameBytes, viewOf } from "../sgx/bytes.ts";
import { type MeasureWatch, measure } from "../sgx/measurement.ts";
import { PAGE_BYTES } from "../sgx/secs.ts";
import { SIGSTRUCT_BYTES } from "../sgx/sigstruct.ts";

export const IMAGE_MAGIC = new TextEncoder().encode("INCLWASM");
const VERSION = 1;
const HEADER_BYTES = 8192;
const SIGSTRUCT_OFFSET = 4096;
const SEGMENTS_OFFSET = 128;
const SEGMENT_BYTES = 40;
const SEGMENTS_MAX = 32;
export const LARGEST_IMAGE_BYTES = 1 << 30;
const LARGEST_ENCLAVE = 1n << 36n;

/** How a segment comes into the enclave; the numbers are the file's. */
export const LOADS = ["", "measured", "unmeasured", "dynamic"] as const;
export type Load = "measured" | "unmeasured" | "dynamic";

/** What it is, for people. */
export const KINDS = [
  "",
  "headers and constants",
  "code",
  "data",
  "thread control",
  "saved state",
  "thread page",
  "configuration",
  "stack",
  "exception stack",
  "runtime memory",
  "linear memory",
  "linear memory, growth",
] as const;
export type Kind = Exclude<(typeof KINDS)[number], "">;

export type Segment = {
  readonly offset: bigint;
  readonly size: bigint;
  readonly flags: bigint;
  readonly load: Load;
  readonly kind: Kind;
  /** Of a measured one. */
  readonly data?: Uint8Array;
};

export type Image = {
  readonly enclaveBytes: bigint;
  readonly ssaFramePages: number;
  readonly miscSelect: number;
  readonly attributes: bigint;
  readonly xfrm: bigint;
  readonly tcs: bigint;
  readonly segments: readonly Segment[];
  /** Undefined: not signed yet. */
  readonly sigstruct: Uint8Array | undefined;
};

/** Whether a file starts as such an image does. */
export function isWasmImage(bytes: Uint8Array): boolean {
  return bytes.length >= HEADER_BYTES && sameBytes(bytes.subarray(0, 8), IMAGE_MAGIC);
}

export function encodeImage(image: Image): Uint8Array {
  if (image.segments.length > SEGMENTS_MAX) throw fault("it has too many segments");
  const header = new Uint8Array(HEADER_BYTES);
  const view = viewOf(header);
  header.set(IMAGE_MAGIC, 0);
  view.setUint32(8, VERSION, true);
  view.setUint32(12, image.segments.length, true);
  view.setBigUint64(16, image.enclaveBytes, true);
  view.setUint32(24, image.ssaFramePages, true);
  view.setUint32(28, image.miscSelect, true);
  view.setBigUint64(32, image.attributes, true);
  view.setBigUint64(40, image.xfrm, true);
  view.setBigUint64(48, image.tcs, true);
  if (image.sigstruct !== undefined) header.set(image.sigstruct, SIGSTRUCT_OFFSET);
  const parts: Uint8Array[] = [header];
  let file = HEADER_BYTES;
  image.segments.forEach((segment, index) => {
    const at = SEGMENTS_OFFSET + index * SEGMENT_BYTES;
    view.setBigUint64(at, segment.offset, true);
    view.setBigUint64(at + 8, segment.size, true);
    view.setBigUint64(at + 16, segment.flags, true);
    view.setUint32(at + 32, LOADS.indexOf(segment.load), true);
    view.setUint32(at + 36, KINDS.indexOf(segment.kind), true);
    if (segment.data === undefined) return;
    view.setBigUint64(at + 24, BigInt(file), true);
    if (segment.kind === "configuration") {
      view.setBigUint64(56, BigInt(file), true);
      view.setBigUint64(64, segment.size, true);
    }
    parts.push(segment.data);
    file += segment.data.length;
  });
  return new Uint8Array(Buffer.concat(parts));
}

export function parseImage(bytes: Uint8Array): Image {
  if (!isWasmImage(bytes)) throw fault("it does not start as one");
  const view = viewOf(bytes);
  const version = view.getUint32(8, true);
  const count = view.getUint32(12, true);
  if (version !== VERSION) throw fault(`it is of version ${version}, known is ${VERSION}`);
  if (count === 0 || count > SEGMENTS_MAX) throw fault(`it has ${count} segments`);
  const enclaveBytes = view.getBigUint64(16, true);
  if (
    enclaveBytes < 8192n ||
    enclaveBytes > LARGEST_ENCLAVE ||
    (enclaveBytes & (enclaveBytes - 1n)) !== 0n
  ) {
    throw fault(`its range is of ${enclaveBytes} bytes`);
  }
  const segments = Array.from({ length: count }, (_, index) =>
    parseSegment(bytes, SEGMENTS_OFFSET + index * SEGMENT_BYTES, enclaveBytes),
  );
  const sigstruct = bytes.slice(SIGSTRUCT_OFFSET, SIGSTRUCT_OFFSET + SIGSTRUCT_BYTES);
  return {
    enclaveBytes,
    ssaFramePages: view.getUint32(24, true),
    miscSelect: view.getUint32(28, true),
    attributes: view.getBigUint64(32, true),
    xfrm: view.getBigUint64(40, true),
    tcs: view.getBigUint64(48, true),
    segments,
    sigstruct: sigstruct.every((byte) => byte === 0) ? undefined : sigstruct,
  };
}

function parseSegment(bytes: Uint8Array, at: number, enclaveBytes: bigint): Segment {
  const view = viewOf(bytes);
  const offset = view.getBigUint64(at, true);
  const size = view.getBigUint64(at + 8, true);
  const file = view.getBigUint64(at + 24, true);
  const load = LOADS[view.getUint32(at + 32, true)];
  const kind = KINDS[view.getUint32(at + 36, true)];
  const page = BigInt(PAGE_BYTES);
  if (
    load === undefined ||
    load === "" ||
    kind === undefined ||
    kind === "" ||
    size === 0n ||
    offset % page !== 0n ||
    size % page !== 0n ||
    offset + size > enclaveBytes
  ) {
    throw fault("one of its segments is malformed");
  }
  const segment = { offset, size, flags: view.getBigUint64(at + 16, true), load, kind };
  if (load !== "measured") return segment;
  if (file < BigInt(HEADER_BYTES) || file + size > BigInt(bytes.length)) {
    throw fault("one of its segments lies outside the file");
  }
  return { ...segment, data: bytes.subarray(Number(file), Number(file + size)) };
}

/** MRENCLAVE, as the loader adds the segments: in their order. */
export function measureImage(image: Image, watch?: MeasureWatch): Uint8Array {
  const measurement = measure(image.ssaFramePages, image.enclaveBytes);
  const page = BigInt(PAGE_BYTES);
  const total = Number(image.enclaveBytes);
  for (const segment of image.segments) {
    if (segment.load === "dynamic") continue;
    for (let at = 0n; at < segment.size; at += page) {
      watch?.(Number(segment.offset + at), total);
      if (segment.data === undefined) measurement.add(segment.offset + at, segment.flags);
      else {
        const data = segment.data.subarray(Number(at), Number(at + page));
        measurement.addMeasured(segment.offset + at, segment.flags, data);
      }
    }
  }
  return measurement.finish();
}

function fault(reason: string): RuneError {
  return new RuneError({ code: "SGX_FORMAT", doing: "read WebAssembly enclave", reason });
}
