// SPDX-License-Identifier: Apache-2.0
/**
 * Enclaves as ELF files without metadata, as the loader of the Linux kernel's own selftests takes
 * them (tools/testing/selftests/sgx/load.c and sigstruct.c): the loadable segments in their order,
 * the first of which holds the TCSs, then a heap of zero pages that is added and not measured.
 */
import { RuneError } from "../errors/error.ts";
import { viewOf } from "./bytes.ts";
import { type MeasureWatch, measure } from "./measurement.ts";
import { PAGE_BYTES, SECINFO } from "./secs.ts";

export type ElfMeasurement = {
  readonly mrenclave: Uint8Array;
  readonly enclaveBytes: bigint;
  readonly segments: number;
  readonly pages: number;
  readonly heapBytes: number;
};

/** What the selftests' loader gives an enclave unless a test wants more. */
export const ELF_HEAP_BYTES = 4096;

/** ELF-64 header: @4 class u8 | @5 data u8 | @18 machine u16 | @32 phoff u64 | @54 phentsize u16 | @56 phnum u16 */
const HEADER_BYTES = 64;
/** Program header: @0 type u32 | @4 flags u32 | @8 offset u64 | @32 filesz u64 */
const PROGRAM_HEADER_BYTES = 56;
const [CLASS_64, LITTLE_ENDIAN, EM_X86_64, PT_LOAD] = [2, 1, 62, 1];
const [PF_X, PF_W, PF_R] = [1, 2, 4];
const MOST_HEADERS = 256;
const SSA_FRAME_PAGES = 1;
/** The name of the note with which Intel's signer describes pages that the file does not hold. */
const SDK_METADATA = "sgx_metadata";

export function isElf(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, 4)).toString("latin1") === "\x7fELF";
}

/** MRENCLAVE of such a file. `heapBytes` is a multiple of 4096. */
export function measureElf(
  file: Uint8Array,
  heapBytes = ELF_HEAP_BYTES,
  watch?: MeasureWatch,
): ElfMeasurement {
  if (heapBytes % PAGE_BYTES !== 0) throw limit(`a heap of ${heapBytes} bytes, no whole pages`);
  const segments = readSegments(file);
  const [first, last] = [segments[0], segments.at(-1)];
  if (first === undefined || last === undefined) throw format("it has no loadable segment");
  if (first.flags !== (PF_R | PF_W)) throw format("its first segment, the TCSs', is not RW");
  const origin = first.start;
  const imageBytes = last.start + last.bytes - origin;
  const enclaveBytes = powerOfTwo(imageBytes + heapBytes);
  const measurement = measure(SSA_FRAME_PAGES, BigInt(enclaveBytes));
  let pages = 0;
  for (const segment of segments) {
    const secinfo = segment === first ? SECINFO.TCS : permissionsOf(segment.flags);
    for (let at = segment.start; at < segment.start + segment.bytes; at += PAGE_BYTES) {
      watch?.(at - origin, imageBytes + heapBytes);
      if (at < origin) throw format("a segment lies before the first");
      const page = new Uint8Array(PAGE_BYTES);
      page.set(file.subarray(at, at + PAGE_BYTES));
      measurement.addMeasured(BigInt(at - origin), secinfo, page);
      pages++;
    }
  }
  for (let at = 0; at < heapBytes; at += PAGE_BYTES) {
    watch?.(imageBytes + at, imageBytes + heapBytes);
    measurement.add(BigInt(imageBytes + at), permissionsOf(PF_R | PF_W));
    pages++;
  }
  return {
    mrenclave: measurement.finish(),
    enclaveBytes: BigInt(enclaveBytes),
    segments: segments.length,
    pages,
    heapBytes,
  };
}

type Segment = {
  readonly flags: number;
  /** Whole pages of the file. */
  readonly start: number;
  readonly bytes: number;
};

function readSegments(file: Uint8Array): Segment[] {
  if (file.length < HEADER_BYTES) throw format("it ends within its header");
  const view = viewOf(file);
  if (file[4] !== CLASS_64 || file[5] !== LITTLE_ENDIAN || view.getUint16(18, true) !== EM_X86_64) {
    throw format("it is no program for x86-64");
  }
  if (Buffer.from(file.buffer, file.byteOffset, file.length).includes(SDK_METADATA)) {
    throw new RuneError({
      code: "SGX_FORMAT",
      doing: "measure ELF file",
      reason:
        "it is an enclave of Intel's SDK, whose loader adds pages that the file only describes",
      hint: "sgx_sign dump, or an .sgxs stream of it, has the measurement",
    });
  }
  const table = Number(view.getBigUint64(32, true));
  const count = view.getUint16(56, true);
  if (view.getUint16(54, true) !== PROGRAM_HEADER_BYTES || count > MOST_HEADERS) {
    throw format("its program headers are not of the usual size or number");
  }
  if (table + count * PROGRAM_HEADER_BYTES > file.length) {
    throw format("its program headers lie behind its end");
  }
  return Array.from({ length: count }, (_, index) => table + index * PROGRAM_HEADER_BYTES)
    .filter((at) => view.getUint32(at, true) === PT_LOAD)
    .map((at) => readSegment(file, view, at));
}

function readSegment(file: Uint8Array, view: DataView, at: number): Segment {
  const flags = view.getUint32(at + 4, true);
  const offset = Number(view.getBigUint64(at + 8, true));
  const bytes = Number(view.getBigUint64(at + 32, true));
  if ((flags & ~(PF_R | PF_W | PF_X)) !== 0) throw format(`segment flags 0x${flags.toString(16)}`);
  if (offset + bytes > file.length) throw format("a segment lies behind its end");
  // As the loader does: the pages begin where the file's do, but as many as the size alone needs.
  return {
    flags,
    start: offset - (offset % PAGE_BYTES),
    bytes: Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES,
  };
}

function permissionsOf(flags: number): bigint {
  return (
    SECINFO.REG |
    ((flags & PF_R) === 0 ? 0n : SECINFO.R) |
    ((flags & PF_W) === 0 ? 0n : SECINFO.W) |
    ((flags & PF_X) === 0 ? 0n : SECINFO.X)
  );
}

function powerOfTwo(bytes: number): number {
  let size = 2 * PAGE_BYTES;
  while (size < bytes) size *= 2;
  return size;
}

function format(reason: string): RuneError {
  return new RuneError({ code: "SGX_FORMAT", doing: "measure ELF file", reason });
}

function limit(reason: string): RuneError {
  return new RuneError({ code: "SGX_LIMIT", doing: "measure ELF file", reason });
}
