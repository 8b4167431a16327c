// SPDX-License-Identifier: Apache-2.0
/**
 * ELF enclaves. tests/sgxsim/kernel-selftests.test.ts compares with the kernel's own signer; here the
 * stream of records is written out by hand.
 */
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { toHex } from "./bytes.ts";
import { isElf, measureElf } from "./elf-image.ts";

type Segment = {
  readonly type?: number;
  readonly flags: number;
  readonly offset: number;
  readonly size: number;
};

const TCS: Segment = { flags: 6, offset: 0x1000, size: 0x1000 };
const CODE: Segment = { flags: 5, offset: 0x2000, size: 0x1001 };
const NOTE: Segment = { type: 4, flags: 4, offset: 0, size: 0x10 };

/** A file whose byte at each place is the low byte of place / 16. */
function elf(segments: readonly Segment[], bytes = 0x3800): Uint8Array {
  const file = new Uint8Array(bytes).map((_, index) => index >> 4);
  const view = new DataView(file.buffer);
  file.fill(0, 0, 64);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(18, 62, true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, segments.length, true);
  segments.forEach(({ type = 1, flags, offset, size }, index) => {
    const at = 64 + 56 * index;
    view.setUint32(at, type, true);
    view.setUint32(at + 4, flags, true);
    view.setBigUint64(at + 8, BigInt(offset), true);
    view.setBigUint64(at + 32, BigInt(size), true);
  });
  return file;
}

function record(tag: string, number: bigint, second: bigint): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.write(tag, "latin1");
  bytes.writeBigUInt64LE(number, 8);
  bytes.writeBigUInt64LE(second, 16);
  return bytes;
}

test("segments in order, the first as TCSs, then the heap, which is not measured", () => {
  const file = elf([NOTE, TCS, CODE]);
  const hash = createHash("sha256");
  const create = Buffer.alloc(64);
  create.write("ECREATE", "latin1");
  create.writeUInt32LE(1, 8);
  create.writeBigUInt64LE(0x8000n, 12);
  hash.update(create);
  const padded = Buffer.alloc(0x4000);
  padded.set(file);
  for (const [offset, flags] of [
    [0, 0x100n],
    [0x1000, 0x205n],
    [0x2000, 0x205n],
  ] as const) {
    hash.update(record("EADD", BigInt(offset), flags));
    for (let at = offset; at < offset + 0x1000; at += 256) {
      hash.update(record("EEXTEND", BigInt(at), 0n));
      hash.update(padded.subarray(0x1000 + at, 0x1000 + at + 256));
    }
  }
  hash.update(record("EADD", 0x3000n, 0x203n));
  hash.update(record("EADD", 0x4000n, 0x203n));
  const measured = measureElf(file, 0x2000);
  expect(toHex(measured.mrenclave)).toBe(hash.digest("hex"));
  expect(measured).toMatchObject({
    enclaveBytes: 0x8000n,
    segments: 2,
    pages: 5,
    heapBytes: 0x2000,
  });
});

test("what is an ELF file", () => {
  expect(isElf(elf([TCS]))).toBe(true);
  expect(isElf(new Uint8Array(4))).toBe(false);
  expect(isElf(new Uint8Array(0))).toBe(false);
});

describe("refused", () => {
  const change = (at: number, value: number) => {
    const file = elf([TCS, CODE]);
    file[at] = value;
    return file;
  };
  const noted = elf([TCS, CODE]);
  noted.set(new TextEncoder().encode("sgx_metadata"), 0x1100);
  for (const [name, file, reason] of [
    ["a header cut short", elf([TCS]).subarray(0, 63), "ends within its header"],
    ["32 bits", change(4, 1), "x86-64"],
    ["big-endian", change(5, 2), "x86-64"],
    ["another machine", change(18, 3), "x86-64"],
    ["headers of another size", change(54, 32), "usual size"],
    ["too many headers", change(57, 2), "usual size"],
    ["headers behind the end", change(34, 0xff), "behind its end"],
    ["headers at 2^63", change(39, 0x80), "behind its end"],
    ["no segment", elf([]), "no loadable segment"],
    ["a first segment that is code", elf([CODE, TCS]), "is not RW"],
    ["other flags", elf([TCS, { ...CODE, flags: 8 }]), "flags 0x8"],
    ["a segment behind the end", elf([TCS, { ...CODE, size: 0x1801 }]), "behind its end"],
    ["a segment at 2^63", elf([TCS, { ...CODE, offset: 2 ** 63 }]), "behind its end"],
    [
      "a segment before the first",
      elf([TCS, { ...CODE, offset: 0, size: 16 }]),
      "before the first",
    ],
    ["Intel's SDK", noted, "Intel's SDK"],
  ] as const) {
    test(name, () => {
      expect(() => measureElf(file)).toThrow(reason);
    });
  }

  test("a heap of half a page", () => {
    expect(() => measureElf(elf([TCS]), 2048)).toThrow("no whole pages");
  });
});
