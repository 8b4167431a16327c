// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { elfFault } from "./pal-file.ts";

/** The beginning of a shared object for x86-64, with one byte changed. */
function header(offset = 0, value = 0x7f): Uint8Array {
  const bytes = new Uint8Array(20);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  bytes.set([3, 0, 62, 0], 16);
  bytes[offset] = value;
  return bytes;
}

test.each([
  [header(), undefined],
  [header(0, 0), "it is no ELF file"],
  [header().subarray(0, 19), "it is no ELF file"],
  [new Uint8Array(), "it is no ELF file"],
  [header(4, 1), "wrong ELF class: it is not for 64 bits"],
  [header(5, 2), "it is for a big-endian machine"],
  [header(18, 183), "it is for another machine: aarch64"],
  [header(18, 8), "it is for another machine: 8"],
  [header(16, 2), "it is no shared object"],
])("a header of a PAL: case %#", (bytes, fault) => {
  expect(elfFault(bytes)).toBe(fault as string | undefined);
});

test("a header inside a larger buffer is read where it is", () => {
  const buffer = new Uint8Array(64);
  buffer.set(header(), 8);
  expect(elfFault(buffer.subarray(8, 28))).toBeUndefined();
});
