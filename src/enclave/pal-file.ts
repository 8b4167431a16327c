// SPDX-License-Identifier: Apache-2.0
/**
 * Whether a PAL is a file that the dynamic linker could load at all: it says little of one that is
 * not, and of one for another machine that there is none.
 */
import { RuneError } from "../errors/error.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { OpenedPal } from "./pal-path.ts";

/** ELF's identification, type and machine: elf(5). */
const headerBytes = 20;
const ELFCLASS64 = 2;
const ELFDATA2LSB = 1;
const ET_DYN = 3;
const EM_X86_64 = 62;

const machines: Readonly<Record<number, string>> = { 3: "i386", 40: "arm", 183: "aarch64" };

/** @throws RuneError PAL_ABI_MISMATCH */
export function checkPalFile(kernel: Kernel, { fd, path }: OpenedPal): void {
  const fault = elfFault(kernel.read(fd, headerBytes));
  if (fault === undefined) return;
  throw new RuneError({
    code: "PAL_ABI_MISMATCH",
    doing: `load PAL \`${path}\``,
    reason: fault,
    hint: "a PAL is a shared object for x86-64 that exports the functions of enclave_runtime_pal.h",
  });
}

/** Why the beginning of a file is not that of a shared object for this machine. */
export function elfFault(header: Uint8Array): string | undefined {
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  if (header.length < headerBytes || view.getUint32(0) !== 0x7f45_4c46) return "it is no ELF file";
  if (header[4] !== ELFCLASS64) return "wrong ELF class: it is not for 64 bits";
  if (header[5] !== ELFDATA2LSB) return "it is for a big-endian machine";
  const machine = view.getUint16(18, true);
  if (machine !== EM_X86_64) return `it is for another machine: ${machines[machine] ?? machine}`;
  return view.getUint16(16, true) === ET_DYN ? undefined : "it is no shared object";
}
