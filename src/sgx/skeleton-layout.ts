// SPDX-License-Identifier: Apache-2.0
/**
 * How a skeleton image becomes an enclave: which page goes where, with which permissions, in which
 * order. Signer and loader must agree on every bit of it, or EINIT refuses the enclave.
 *
 * From low to high: the TCS, the rest of the image, one SSA frame, zero pages up to MAX_MMAP_SIZE.
 * OSSA and OENTRY of the TCS are relative to the enclave's base and are filled in here.
 */
import { RuneError } from "../errors/error.ts";
import { viewOf } from "./bytes.ts";
import { measure } from "./measurement.ts";
import { PAGE_BYTES, SECINFO } from "./secs.ts";
import { LARGEST_ENCLAVE_BYTES, type PageNote, type SkeletonImage } from "./skeleton-image.ts";
import { ssaFramePages, type XsaveArea } from "./xsave.ts";

/**
 * Which permissions the pages are signed with; SIGSTRUCT.SWDEFINED says so to the loader.
 * `published`: all but the TCS readable, writable and executable, as every skeleton loader knows.
 * `noted`: as the image's page note says, which only loaders that know SWDEFINED 1 can start.
 */
export type PageLayout = "published" | "noted";
export const swDefinedOf: Readonly<Record<PageLayout, number>> = { published: 0, noted: 1 };

/** The page layout a SIGSTRUCT was made for. */
export function pageLayoutOf(swDefined: number): PageLayout {
  if (swDefined === swDefinedOf.published) return "published";
  if (swDefined === swDefinedOf.noted) return "noted";
  throw limit(`SWDEFINED ${swDefined} names no page layout`);
}

const PAGE = BigInt(PAGE_BYTES);
const READ_WRITE = SECINFO.REG | SECINFO.R | SECINFO.W;
const READ_EXECUTE = SECINFO.REG | SECINFO.R | SECINFO.X;
const READ_ONLY = SECINFO.REG | SECINFO.R;
const PUBLISHED = SECINFO.REG | SECINFO.R | SECINFO.W | SECINFO.X;

/** Where the image begins under NULL-dereference protection if the kernel lets 0 be mapped. */
const GUARD_AREA_BYTES = 16n * 1024n * 1024n;
const TCS_OSSA = 16;
const TCS_OENTRY = 32;

export type EnclavePage = {
  readonly offset: bigint;
  readonly secinfoFlags: bigint;
  readonly data: Uint8Array;
};

export type SkeletonLayout = {
  /** Bytes from the enclave's base to the TCS. */
  readonly imageOffset: bigint;
  /** Bytes that hold pages: image, SSA and padding. */
  readonly mappedBytes: bigint;
  /** SECS.SIZE: the power of two that holds offset and pages. */
  readonly enclaveBytes: bigint;
  readonly ssaFramePages: number;
  /** The pages in the order they are added and measured. */
  pages(): Iterable<EnclavePage>;
};

export type LayoutOptions = {
  readonly xfrm: bigint;
  readonly miscSelect: number;
  readonly pageLayout: PageLayout;
  readonly xsaveAreas?: readonly XsaveArea[];
};

export function layOutSkeleton(image: SkeletonImage, options: LayoutOptions): SkeletonLayout {
  const { metadata } = image;
  const framePages = ssaFramePages(options.xfrm, options.miscSelect, options.xsaveAreas);
  const imageBytes = BigInt(image.pages.length);
  const neededBytes = imageBytes + BigInt(framePages) * PAGE;
  if (metadata.maxMmapSize !== 0n && metadata.maxMmapSize < neededBytes) {
    throw limit(`an mmap size of ${metadata.maxMmapSize} is less than the ${neededBytes} it needs`);
  }
  const mappedBytes =
    metadata.maxMmapSize === 0n ? neededBytes : roundUpToPage(metadata.maxMmapSize);
  const imageOffset = imageOffsetOf(metadata);
  const enclaveBytes = powerOfTwoFrom(imageOffset + mappedBytes);
  if (enclaveBytes > LARGEST_ENCLAVE_BYTES) throw limit("the enclave is larger than 64 GiB");
  const flagsAt = permissions(options.pageLayout, image);
  return {
    imageOffset,
    mappedBytes,
    enclaveBytes,
    ssaFramePages: framePages,
    *pages() {
      yield {
        offset: imageOffset,
        secinfoFlags: SECINFO.TCS,
        data: patchedTcs(image.pages.subarray(0, PAGE_BYTES), imageOffset, imageBytes),
      };
      for (let at = PAGE_BYTES; at < image.pages.length; at += PAGE_BYTES) {
        const data = image.pages.subarray(at, at + PAGE_BYTES);
        yield { offset: imageOffset + BigInt(at), secinfoFlags: flagsAt(at), data };
      }
      const zero = new Uint8Array(PAGE_BYTES);
      for (let at = imageBytes; at < mappedBytes; at += PAGE) {
        yield { offset: imageOffset + at, secinfoFlags: flagsAt(Number(at)), data: zero };
      }
    },
  };
}

/** MRENCLAVE of an image laid out so. */
export function measureSkeleton(layout: SkeletonLayout): Uint8Array {
  const measurement = measure(layout.ssaFramePages, layout.enclaveBytes);
  for (const { offset, secinfoFlags, data } of layout.pages()) {
    measurement.addMeasured(offset, secinfoFlags, data);
  }
  return measurement.finish();
}

function imageOffsetOf(metadata: SkeletonImage["metadata"]): bigint {
  if (!metadata.nullDereferenceProtection) return 0n;
  return metadata.mmapMinAddr === 0n ? GUARD_AREA_BYTES : metadata.mmapMinAddr;
}

/** SECINFO.FLAGS of the page at an offset from the image's start; the TCS excepted. */
function permissions(pageLayout: PageLayout, image: SkeletonImage): (at: number) => bigint {
  if (pageLayout === "published") return () => PUBLISHED;
  const note = image.pageNote;
  if (note === undefined) throw limit("the image has no page note to take permissions from");
  return (at) => (at >= image.pages.length ? READ_WRITE : notedFlags(note, at));
}

function notedFlags(note: PageNote, at: number): bigint {
  if (at >= note.codeStart && at < note.codeEnd) return READ_EXECUTE;
  if (at >= note.dataStart && at < note.dataEnd) return READ_WRITE;
  return READ_ONLY;
}

function patchedTcs(tcs: Uint8Array, imageOffset: bigint, imageBytes: bigint): Uint8Array {
  const patched = Uint8Array.from(tcs);
  const view = viewOf(patched);
  view.setBigUint64(TCS_OSSA, imageOffset + imageBytes, true);
  view.setBigUint64(TCS_OENTRY, view.getBigUint64(TCS_OENTRY, true) + imageOffset, true);
  return patched;
}

function roundUpToPage(size: bigint): bigint {
  return ((size + PAGE - 1n) / PAGE) * PAGE;
}

function powerOfTwoFrom(size: bigint): bigint {
  let power = PAGE;
  while (power < size) power <<= 1n;
  return power;
}

function limit(reason: string): RuneError {
  return new RuneError({ code: "SGX_LIMIT", doing: "lay out enclave", reason });
}
