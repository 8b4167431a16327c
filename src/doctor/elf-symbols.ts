// SPDX-License-Identifier: Apache-2.0
/**
 * The names that a shared object exports, as the dynamic loader finds them (ELF-64 gABI, "Dynamic
 * Section"; DT_GNU_HASH as glibc's elf/dl-lookup.c walks it). Nothing of it is loaded or run: a PAL's
 * constructors would be.
 */
import { RuneError } from "../errors/error.ts";

/** Header: @4 class u8 | @5 data u8 | @16 type u16 | @18 machine u16 | @32 phoff u64 | @54 phentsize u16 | @56 phnum u16 */
const HEADER_BYTES = 64;
/** Program header: @0 type u32 | @8 offset u64 | @16 vaddr u64 | @32 filesz u64 */
const PROGRAM_HEADER_BYTES = 56;
/** Symbol: @0 name u32 | @4 info u8 | @6 shndx u16 | @8 value u64 */
const SYMBOL_BYTES = 24;
const [PT_LOAD, PT_DYNAMIC, ET_DYN, EM_X86_64] = [1, 2, 3, 62];
const [DT_NULL, DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_GNU_HASH] = [
  0, 4, 5, 6, 10, 0x6fff_fef5,
];
const MOST_SYMBOLS = 1 << 20;
const LONGEST_NAME_BYTES = 4096;

/** @throws RuneError PAL_ABI_MISMATCH for what is no shared object of x86-64, or a damaged one */
export function exportedSymbols(file: Uint8Array, name: string): ReadonlySet<string> {
  try {
    return read(file);
  } catch (error) {
    const reason = error instanceof RangeError ? "it is damaged: a table lies behind its end" : "";
    const doing = `read the symbols of \`${name}\``;
    if (reason === "") throw RuneError.from(error, doing).within(doing);
    throw new RuneError({ code: "PAL_ABI_MISMATCH", doing, reason, cause: error });
  }
}

type Segment = { readonly address: number; readonly offset: number; readonly bytes: number };

function read(file: Uint8Array): ReadonlySet<string> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  checkHeader(file, view);
  const headers = programHeaders(view);
  const loaded = headers.filter(({ type }) => type === PT_LOAD);
  const dynamic = headers.find(({ type }) => type === PT_DYNAMIC);
  if (dynamic === undefined) throw fault("it has no dynamic section: it is no shared object");
  const tags = dynamicTags(view, dynamic);
  const place = (tag: number) => {
    const address = tags.get(tag);
    return address === undefined ? undefined : offsetOf(loaded, address);
  };
  const [symbols, strings] = [place(DT_SYMTAB), place(DT_STRTAB)];
  if (symbols === undefined || strings === undefined) return new Set();
  const count = symbolCount(view, place(DT_HASH), place(DT_GNU_HASH));
  const stringBytes = Math.min(tags.get(DT_STRSZ) ?? 0, file.length - strings);
  return namesOf(file, view, { symbols, count, strings, stringBytes });
}

function checkHeader(file: Uint8Array, view: DataView): void {
  if (file.length < HEADER_BYTES || view.getUint32(0, false) !== 0x7f45_4c46) {
    throw fault("it is no ELF file");
  }
  if (file[4] !== 2) {
    const kind = file[4] === 1 ? "a 32-bit one" : `of class ${file[4]}`;
    throw fault(`wrong ELF class: it is ${kind}, and only 64-bit ones can be loaded`);
  }
  if (file[5] !== 1 || view.getUint16(18, true) !== EM_X86_64) {
    throw fault(`wrong machine: ${view.getUint16(18, true)}, and x86-64 is ${EM_X86_64}`);
  }
  if (view.getUint16(16, true) !== ET_DYN) throw fault("it is no shared object");
}

function programHeaders(view: DataView): (Segment & { readonly type: number })[] {
  const table = number(view, 32);
  if (view.getUint16(54, true) !== PROGRAM_HEADER_BYTES) {
    throw fault("its program headers are not of the usual size");
  }
  return Array.from({ length: view.getUint16(56, true) }, (_, index) => {
    const at = table + index * PROGRAM_HEADER_BYTES;
    return {
      type: view.getUint32(at, true),
      offset: number(view, at + 8),
      address: number(view, at + 16),
      bytes: number(view, at + 32),
    };
  });
}

function dynamicTags(view: DataView, { offset, bytes }: Segment): ReadonlyMap<number, number> {
  const tags = new Map<number, number>();
  for (let at = offset; at < offset + bytes; at += 16) {
    const tag = number(view, at);
    if (tag === DT_NULL) break;
    if (!tags.has(tag)) tags.set(tag, number(view, at + 8));
  }
  return tags;
}

function offsetOf(loaded: readonly Segment[], address: number): number {
  const found = loaded.find((one) => address >= one.address && address < one.address + one.bytes);
  if (found === undefined) throw new RangeError("an address outside of the file");
  return address - found.address + found.offset;
}

/** The symbol table does not say how long it is; its hash tables do. */
function symbolCount(view: DataView, hash: number | undefined, gnu: number | undefined): number {
  const count = gnu === undefined ? countOf(view, hash) : gnuCount(view, gnu);
  if (count > MOST_SYMBOLS) throw fault(`it has ${count} symbols, more than ${MOST_SYMBOLS}`);
  return count;
}

/** @0 buckets u32 | @4 chains u32, one a symbol */
function countOf(view: DataView, hash: number | undefined): number {
  return hash === undefined ? 0 : view.getUint32(hash + 4, true);
}

/** @0 buckets u32 | @4 first symbol u32 | @8 bloom words u32 | @16 bloom u64[] | buckets u32[] | chains u32[] */
function gnuCount(view: DataView, at: number): number {
  const buckets = view.getUint32(at, true);
  const first = view.getUint32(at + 4, true);
  const table = at + 16 + 8 * view.getUint32(at + 8, true);
  if (buckets > MOST_SYMBOLS) throw fault(`its hash table has ${buckets} buckets`);
  let last = 0;
  for (let index = 0; index < buckets; index++) {
    last = Math.max(last, view.getUint32(table + 4 * index, true));
  }
  if (last < first) return first;
  const chains = table + 4 * buckets;
  // The lowest bit ends a chain.
  while ((view.getUint32(chains + 4 * (last - first), true) & 1) === 0) last++;
  return last + 1;
}

type Tables = {
  readonly symbols: number;
  readonly count: number;
  readonly strings: number;
  readonly stringBytes: number;
};

function namesOf(file: Uint8Array, view: DataView, tables: Tables): ReadonlySet<string> {
  const names = new Set<string>();
  for (let index = 1; index < tables.count; index++) {
    const at = tables.symbols + index * SYMBOL_BYTES;
    const name = view.getUint32(at, true);
    const isDefined = view.getUint16(at + 6, true) !== 0;
    const isLocal = view.getUint8(at + 4) >> 4 === 0;
    if (!isDefined || isLocal || name >= tables.stringBytes) continue;
    const start = tables.strings + name;
    const limit = Math.min(tables.strings + tables.stringBytes, start + LONGEST_NAME_BYTES);
    const end = file.indexOf(0, start);
    if (end < 0 || end >= limit) continue;
    names.add(Buffer.from(file.subarray(start, end)).toString("latin1"));
  }
  return names;
}

/** Far above any file, so that what does not fit a number exactly is out of range anyway. */
function number(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

function fault(reason: string): RuneError {
  return new RuneError({ code: "PAL_ABI_MISMATCH", doing: "read ELF file", reason });
}
