// SPDX-License-Identifier: Apache-2.0
/** What the processor says of itself, and the code that the kernel maps into every process for it. */
import { addon } from "./addon.ts";
import { EACCES, EIO, ENOENT, ENOTDIR, ENXIO, EPERM, O_RDONLY } from "./constants.ts";
import { type Kernel, readText, unlessErrno } from "./kernel.ts";
import { addressIn, raw } from "./libc.ts";

export type CpuRegisters = {
  readonly eax: number;
  readonly ebx: number;
  readonly ecx: number;
  readonly edx: number;
};

/** The CPUID instruction on the processor that this thread happens to run on. */
export function cpuid(leaf: number, subleaf: number): CpuRegisters {
  const bytes = new Uint8Array(16);
  // Of a small array the buffer must have been used before its elements have an address: addon.ts.
  const view = new DataView(bytes.buffer);
  addon.cpuid(leaf, subleaf, bytes);
  const register = (index: number) => view.getUint32(4 * index, true);
  return { eax: register(0), ebx: register(1), ecx: register(2), edx: register(3) };
}

/** A model-specific register of the first processor; undefined where /dev/cpu/0/msr cannot be read. */
export function readMsr(kernel: Kernel, register: number): bigint | undefined {
  const unreadable = [ENOENT, ENOTDIR, EACCES, EPERM, ENXIO, EIO];
  const fd = unlessErrno(() => kernel.open("/dev/cpu/0/msr", O_RDONLY), ...unreadable);
  if (fd === undefined) return undefined;
  try {
    const bytes = new Uint8Array(8);
    const view = new DataView(bytes.buffer);
    const length = raw(SYS_pread64, fd, addressIn(bytes), bytes.length, register);
    return length === bytes.length ? view.getBigUint64(0, true) : undefined;
  } finally {
    kernel.close(fd);
  }
}

const SYS_pread64 = 17;
/** The kernel's is of two pages, and has grown to four with others' additions. */
const largestVdsoBytes = 64 * 4096;

/** The vDSO of this process, an ELF file; undefined where there is none (`vdso=0`). */
export function readVdso(kernel: Kernel): Uint8Array | undefined {
  const maps = readText(kernel, "/proc/self/maps", 16 << 20);
  const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) r.*\[vdso\]$/m.exec(maps) ?? [];
  if (from === undefined || to === undefined) return undefined;
  const start = Number.parseInt(from, 16);
  const size = Number.parseInt(to, 16) - start;
  if (size <= 0 || size > largestVdsoBytes) return undefined;
  const image = new Uint8Array(size);
  addon.copy(start, image);
  return image;
}
