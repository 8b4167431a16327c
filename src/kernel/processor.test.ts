// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { linux } from "./linux.ts";
import { cpuid, readMsr, readVdso } from "./processor.ts";

test("the vendor is the one that the kernel shows", () => {
  const { ebx, edx, ecx } = cpuid(0, 0);
  const text = Buffer.alloc(12);
  for (const [index, value] of [ebx, edx, ecx].entries()) text.writeUInt32LE(value, 4 * index);
  const [, vendor] = /^vendor_id\s*: (.*)$/m.exec(readFileSync("/proc/cpuinfo", "latin1")) ?? [];
  expect(text.toString("latin1")).toBe(vendor ?? "");
});

test("the vDSO is an ELF file", () => {
  const image = readVdso(linux);
  expect(image?.subarray(0, 4)).toEqual(new Uint8Array([0x7f, 0x45, 0x4c, 0x46]));
});

test("a register is read where there is a device for it, and not otherwise", () => {
  const value = readMsr(linux, 0x3a);
  if (!existsSync("/dev/cpu/0/msr")) expect(value).toBeUndefined();
});
