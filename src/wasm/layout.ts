// SPDX-License-Identifier: Apache-2.0
/**
 * Where everything lies in the enclave: the linked image from 0, then what the runtime needs, with
 * unmapped gaps around both stacks, then the linear memory. With guard pages the memory is at 4 GiB
 * in a range of 16 GiB: any 32-bit address with any 32-bit offset ends in pages that are not there.
 */
import { ATTRIBUTE, MISCSELECT, XFRM } from "../sgx/attributes.ts";
import { viewOf } from "../sgx/bytes.ts";
import { PAGE_BYTES, SECINFO } from "../sgx/secs.ts";
import { ssaFramePages } from "../sgx/xsave.ts";
import type { Elf } from "./elf.ts";
import type { Image, Segment } from "./image.ts";
import type { Manifest } from "./manifest.ts";

const GAP_BYTES = 65536;
const EXCEPTION_STACK_BYTES = 16384;
const SSA_FRAMES = 2;
const GUARDED_MEMORY = 2 ** 32;
/** Address, offset, and the widest access: 8 GiB and a little. */
const GUARD_BYTES = 2 ** 33 + 65536;
const GPRSGX_BYTES = 184;
const CONFIG_BYTES = 128;
const CONFIG_MAGIC = 0x474e_4357_4c43_4e49n;
const CONFIG_VERSION = 1;
const CONFIG_GUARD_PAGES = 1n;

const READ_WRITE = SECINFO.REG | SECINFO.R | SECINFO.W;
const READ = SECINFO.REG | SECINFO.R;

/** `records` is the encoded manifest. */
export function layOut(elf: Elf, manifest: Manifest, records: Uint8Array): Image {
  const xfrm = XFRM.X87 | XFRM.SSE | (manifest.avx ? XFRM.AVX : 0n);
  const miscSelect = MISCSELECT.EXINFO;
  const framePages = ssaFramePages(xfrm, miscSelect);
  const last = elf.pages.at(-1);
  let next = roundUp((last?.offset ?? 0) + (last?.data.length ?? 0), GAP_BYTES);
  const place = (bytes: number): number => {
    const at = next;
    next += roundUp(bytes, PAGE_BYTES);
    return at;
  };
  const gap = (): void => {
    next = roundUp(next, PAGE_BYTES) + GAP_BYTES;
  };
  const tcs = place(PAGE_BYTES);
  const ssaBytes = SSA_FRAMES * framePages * PAGE_BYTES;
  const ssa = place(ssaBytes);
  const thread = place(PAGE_BYTES);
  const configBytes = roundUp(CONFIG_BYTES + records.length, PAGE_BYTES);
  const config = place(configBytes);
  gap();
  const stack = place(manifest.stackBytes);
  gap();
  const exceptionStack = place(EXCEPTION_STACK_BYTES);
  gap();
  const heap = place(manifest.runtimeBytes);
  gap();
  const memory = manifest.guardPages ? GUARDED_MEMORY : roundUp(next, GAP_BYTES);
  const maximum = manifest.memoryBytes + manifest.growthBytes;
  const enclaveBytes = powerOfTwo(memory + (manifest.guardPages ? GUARD_BYTES : maximum));

  const threadPage = encodeWords(PAGE_BYTES, [
    [0, thread],
    [8, stack + manifest.stackBytes],
    [16, exceptionStack + EXCEPTION_STACK_BYTES],
    [24, ssa + framePages * PAGE_BYTES - GPRSGX_BYTES],
    [32, config],
    [40, Number(xfrm)],
  ]);
  const configPages = encodeWords(configBytes, [
    [16, enclaveBytes],
    [24, memory],
    [32, manifest.memoryBytes],
    [40, maximum],
    [48, heap],
    [56, manifest.runtimeBytes],
    [64, stack],
    [72, stack + manifest.stackBytes],
    [80, manifest.guardPages ? Number(CONFIG_GUARD_PAGES) : 0],
  ]);
  viewOf(configPages).setBigUint64(0, CONFIG_MAGIC, true);
  viewOf(configPages).setUint32(8, CONFIG_VERSION, true);
  viewOf(configPages).setUint32(12, records.length, true);
  configPages.set(records, CONFIG_BYTES);

  const measured = (
    kind: Segment["kind"],
    offset: number,
    flags: bigint,
    data: Uint8Array,
  ): Segment => ({
    kind,
    offset: BigInt(offset),
    size: BigInt(data.length),
    flags,
    load: "measured",
    data,
  });
  const unmeasured = (kind: Segment["kind"], offset: number, bytes: number): Segment[] =>
    bytes === 0
      ? []
      : [
          {
            kind,
            offset: BigInt(offset),
            size: BigInt(bytes),
            flags: READ_WRITE,
            load: "unmeasured",
          },
        ];
  const segments: Segment[] = [
    ...elf.pages.map(({ offset, flags, data }) =>
      measured(
        (flags & SECINFO.X) !== 0n
          ? "code"
          : (flags & SECINFO.W) !== 0n
            ? "data"
            : "headers and constants",
        offset,
        SECINFO.REG | flags,
        data,
      ),
    ),
    measured("thread control", tcs, SECINFO.TCS, encodeTcs(elf.entry, ssa, memory, thread)),
    ...unmeasured("saved state", ssa, ssaBytes),
    measured("thread page", thread, READ_WRITE, threadPage),
    measured("configuration", config, READ, configPages),
    ...unmeasured("stack", stack, manifest.stackBytes),
    ...unmeasured("exception stack", exceptionStack, EXCEPTION_STACK_BYTES),
    ...unmeasured("runtime memory", heap, manifest.runtimeBytes),
    ...unmeasured("linear memory", memory, manifest.memoryBytes),
    ...unmeasured("linear memory, growth", memory + manifest.memoryBytes, manifest.growthBytes).map(
      (segment): Segment => ({ ...segment, load: "dynamic" }),
    ),
  ];
  return {
    enclaveBytes: BigInt(enclaveBytes),
    ssaFramePages: framePages,
    miscSelect,
    attributes: ATTRIBUTE.MODE64BIT,
    xfrm,
    tcs: BigInt(tcs),
    segments,
    sigstruct: undefined,
  };
}

/** TCS (SDM vol. 3D, 34.8): OSSA 16, NSSA 28, OENTRY 32, OFSBASE 48, OGSBASE 56, limits 64, 68. */
function encodeTcs(entry: number, ssa: number, memory: number, thread: number): Uint8Array {
  const page = encodeWords(PAGE_BYTES, [
    [16, ssa],
    [32, entry],
    [48, memory],
    [56, thread],
  ]);
  viewOf(page).setUint32(28, SSA_FRAMES, true);
  viewOf(page).setUint32(64, 0xffff_ffff, true);
  viewOf(page).setUint32(68, 0xffff_ffff, true);
  return page;
}

function encodeWords(bytes: number, words: readonly (readonly [number, number])[]): Uint8Array {
  const page = new Uint8Array(bytes);
  for (const [at, value] of words) viewOf(page).setBigUint64(at, BigInt(value), true);
  return page;
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

function powerOfTwo(least: number): number {
  let size = 65536;
  while (size < least) size *= 2;
  return size;
}
