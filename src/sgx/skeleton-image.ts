// SPDX-License-Identifier: Apache-2.0
/**
 * The sample enclave's image, `encl.bin`: a TCS page, code, data, and a last page that begins with
 * the metadata; the file ends behind them (docs/explanation/skeleton.md).
 *
 * Metadata, 17 bytes, packed:
 *   @0 MAX_MMAP_SIZE u64, 0 = image and SSA only | @8 NULL_DEREF_PROTECTION u8 | @9 MMAP_MIN_ADDR u64
 *
 * Page note, the 64 bytes before the metadata page; an image without it has none:
 *   @0 magic "ENCLPERM" | @8 version u32 = 1 | @12 zero u32
 *   @16 code start u64 | @24 code end u64 | @32 data start u64 | @40 data end u64 | @48 zero 16
 * Offsets are into the image, page-aligned. Code is read and executed, data read and written,
 * everything else but the TCS only read.
 */
import { RuneError } from "../errors/error.ts";
import { requireZero, viewOf } from "./bytes.ts";
import { PAGE_BYTES } from "./secs.ts";

export const METADATA_BYTES = 17;
const NOTE_BYTES = 64;
const NOTE_MAGIC = new TextEncoder().encode("ENCLPERM");
const NOTE_VERSION = 1;

/** A sample enclave is a few pages; what is larger than this is something else. */
export const LARGEST_IMAGE_BYTES = 256 * 1024 * 1024;
/** The largest range worth reserving for it, and a bound for what metadata may ask for. */
export const LARGEST_ENCLAVE_BYTES = 1n << 36n;

export type SkeletonMetadata = {
  readonly maxMmapSize: bigint;
  /** Maps the enclave's range from address 0, so that no host page can lie behind a NULL. */
  readonly nullDereferenceProtection: boolean;
  /** The lowest address the kernel lets a process map, which is where the image then begins. */
  readonly mmapMinAddr: bigint;
};

/** Which pages are code and which data: [start, end) in bytes from the image's start. */
export type PageNote = {
  readonly codeStart: number;
  readonly codeEnd: number;
  readonly dataStart: number;
  readonly dataEnd: number;
};

export type SkeletonImage = {
  /** The file's bytes, zero-padded to whole pages: what the enclave holds. */
  readonly pages: Uint8Array;
  readonly metadata: SkeletonMetadata;
  readonly pageNote: PageNote | undefined;
};

export function parseSkeletonImage(file: Uint8Array): SkeletonImage {
  const size = Math.ceil(file.length / PAGE_BYTES) * PAGE_BYTES;
  if (size < 2 * PAGE_BYTES) throw malformed(`${file.length} bytes hold no TCS and metadata page`);
  if (size > LARGEST_IMAGE_BYTES) throw malformed(`${file.length} bytes are more than 256 MiB`);
  const pages = new Uint8Array(size);
  pages.set(file);
  return { pages, metadata: parseMetadata(pages), pageNote: parsePageNote(pages) };
}

/**
 * The file with other metadata. Only for files that end exactly behind the metadata, as the build
 * of the sample enclave leaves them: elsewhere these bytes would be somebody's code or data.
 */
export function withMetadata(file: Uint8Array, metadata: SkeletonMetadata): Uint8Array {
  if (file.length % PAGE_BYTES !== METADATA_BYTES) {
    throw malformed("the file does not end with the 17 bytes of metadata on a page of their own");
  }
  const changed = Uint8Array.from(file);
  const view = viewOf(changed);
  const start = file.length - METADATA_BYTES;
  view.setBigUint64(start, metadata.maxMmapSize, true);
  view.setUint8(start + 8, metadata.nullDereferenceProtection ? 1 : 0);
  view.setBigUint64(start + 9, metadata.mmapMinAddr, true);
  return changed;
}

function parseMetadata(pages: Uint8Array): SkeletonMetadata {
  const start = pages.length - PAGE_BYTES;
  const view = viewOf(pages);
  const protection = view.getUint8(start + 8);
  if (protection > 1) throw malformed(`the metadata's protection flag is ${protection}`);
  const maxMmapSize = view.getBigUint64(start, true);
  if (maxMmapSize > LARGEST_ENCLAVE_BYTES)
    throw malformed("the metadata asks for more than 64 GiB");
  const mmapMinAddr = view.getBigUint64(start + 9, true);
  if (protection === 1 && (mmapMinAddr % 4096n !== 0n || mmapMinAddr > LARGEST_ENCLAVE_BYTES)) {
    throw malformed(`the metadata's lowest address is 0x${mmapMinAddr.toString(16)}`);
  }
  return { maxMmapSize, nullDereferenceProtection: protection === 1, mmapMinAddr };
}

function parsePageNote(pages: Uint8Array): PageNote | undefined {
  const end = pages.length - PAGE_BYTES;
  const note = pages.subarray(end - NOTE_BYTES, end);
  if (!NOTE_MAGIC.every((byte, index) => note[index] === byte)) return undefined;
  const view = viewOf(note);
  const version = view.getUint32(8, true);
  if (version !== NOTE_VERSION) throw malformed(`page note version ${version} is unknown`);
  requireZero(note, 12, 16, "page note");
  requireZero(note, 48, 64, "page note");
  const [codeStart, codeEnd, dataStart, dataEnd] = [16, 24, 32, 40].map((offset) => {
    const value = view.getBigUint64(offset, true);
    if (value % 4096n !== 0n || value > BigInt(pages.length)) {
      throw malformed(`page note: 0x${value.toString(16)} is no page of the image`);
    }
    return Number(value);
  });
  if (
    codeStart === undefined ||
    codeEnd === undefined ||
    dataStart === undefined ||
    dataEnd === undefined ||
    codeStart < PAGE_BYTES ||
    codeStart > codeEnd ||
    codeEnd > dataStart ||
    dataStart > dataEnd
  ) {
    throw malformed("page note: TCS, code and data do not follow each other");
  }
  return { codeStart, codeEnd, dataStart, dataEnd };
}

function malformed(reason: string): RuneError {
  return new RuneError({ code: "SGX_FORMAT", doing: "read enclave image", reason });
}
