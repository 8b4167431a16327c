// SPDX-License-Identifier: Apache-2.0
/** The loadable pages of the static PIE that gcc has linked. */
import { RuneError } from "../errors/error.ts";
import { viewOf } from "../sgx/bytes.ts";
import { PAGE_BYTES, SECINFO } from "../sgx/secs.ts";

/** Whole pages with their permissions, from address 0. */
export type ElfPages = {
  readonly offset: number;
  readonly flags: bigint;
  readonly data: Uint8Array;
};

export type Elf = { readonly entry: number; readonly pages: readonly ElfPages[] };

const PT_LOAD = 1;
const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;

export function readElf(bytes: Uint8Array): Elf {
  if (bytes.length < HEADER_BYTES) throw fault("it is too short");
  const view = viewOf(bytes);
  const table = Number(view.getBigUint64(32, true));
  const count = view.getUint16(56, true);
  const pages: ElfPages[] = [];
  for (let index = 0; index < count; index++) {
    const at = table + index * PROGRAM_HEADER_BYTES;
    if (view.getUint32(at, true) !== PT_LOAD) continue;
    const flags = view.getUint32(at + 4, true);
    const fileOffset = Number(view.getBigUint64(at + 8, true));
    const address = Number(view.getBigUint64(at + 16, true));
    const fileBytes = Number(view.getBigUint64(at + 32, true));
    const memoryBytes = Number(view.getBigUint64(at + 40, true));
    const offset = Math.floor(address / PAGE_BYTES) * PAGE_BYTES;
    const end = Math.ceil((address + memoryBytes) / PAGE_BYTES) * PAGE_BYTES;
    if (offset < (pages.at(-1)?.offset ?? -1) + (pages.at(-1)?.data.length ?? 0)) {
      throw fault("two of its segments share a page");
    }
    if ((flags & 3) === 3) throw fault("a segment is writable and executable");
    const data = new Uint8Array(end - offset);
    data.set(bytes.subarray(fileOffset, fileOffset + fileBytes), address - offset);
    pages.push({ offset, flags: permissions(flags), data });
  }
  return { entry: Number(view.getBigUint64(24, true)), pages };
}

/** p_flags: 1 execute, 2 write, 4 read. */
function permissions(flags: number): bigint {
  return (
    ((flags & 4) === 0 ? 0n : SECINFO.R) |
    ((flags & 2) === 0 ? 0n : SECINFO.W) |
    ((flags & 1) === 0 ? 0n : SECINFO.X)
  );
}

function fault(reason: string): RuneError {
  return new RuneError({ code: "WASM_TOOLCHAIN", doing: "read the linked enclave", reason });
}
