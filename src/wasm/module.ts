// SPDX-License-Identifier: Apache-2.0
/** What a WebAssembly module needs and offers, and whether an enclave can give it. */
import { checkInstructions, checkValueType, unsupported } from "./instructions.ts";
import { moduleFault, Reader } from "./reader.ts";

export type Import = { readonly module: string; readonly name: string };

export type Module = {
  readonly imports: readonly Import[];
  /** The linear memory's pages of 64 KiB at the start; 0 if there is none. */
  readonly initialPages: number;
};

export const LARGEST_MODULE_BYTES = 256 * 1024 * 1024;
export const WASM_PAGE_BYTES = 65536;

const MAGIC = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const COMPONENT_VERSION = 0x0d;

type Found = { imports: Import[]; exports: Set<string>; memories: number; initialPages: number };

/** Reads a module. @throws RuneError WASM_MODULE, by name, for what an enclave cannot run */
export function parseModule(bytes: Uint8Array): Module {
  if (!MAGIC.slice(0, 4).every((byte, at) => bytes[at] === byte)) {
    throw moduleFault("it does not start as one", "text format: wat2wasm makes a module of it");
  }
  if (bytes[4] === COMPONENT_VERSION) {
    throw moduleFault("it is a component", "build for wasm32-wasi (preview 1), not preview 2");
  }
  if (!MAGIC.every((byte, at) => bytes[at] === byte)) throw moduleFault("its version is not 1");
  const reader = new Reader(bytes, MAGIC.length);
  const found: Found = { imports: [], exports: new Set(), memories: 0, initialPages: 0 };
  while (!reader.atEnd) {
    const id = reader.byte();
    readSection(id, reader.part(reader.unsigned()), found);
  }
  if (!found.exports.has("_start")) {
    throw moduleFault(
      "it exports no function `_start`",
      "build a program, not a library (Rust: a binary crate; clang: with main)",
    );
  }
  if (found.memories > 1) throw unsupported("more than one memory", "the module");
  if (found.memories === 0) throw moduleFault("it has no memory");
  return { imports: found.imports, initialPages: found.initialPages };
}

function readSection(id: number, section: Reader, found: Found): void {
  switch (id) {
    case 1:
      readTypes(section);
      return;
    case 2:
      readImports(section, found);
      return;
    case 5:
      for (let count = section.unsigned(); count > 0; count--) readMemory(section, found);
      return;
    case 7:
      readExports(section, found);
      return;
    case 10:
      readCode(section);
      return;
    case 13:
      throw unsupported("exception handling", "the module");
    default:
  }
}

function readTypes(section: Reader): void {
  const count = section.unsigned();
  for (let index = 0; index < count; index++) {
    const where = `type ${index}`;
    if (section.byte() !== 0x60) throw unsupported("garbage collection", where);
    for (let list = 0; list < 2; list++) {
      for (let values = section.unsigned(); values > 0; values--)
        checkValueType(section.byte(), where);
    }
  }
}

function readImports(section: Reader, found: Found): void {
  for (let count = section.unsigned(); count > 0; count--) {
    const item: Import = { module: section.name(), name: section.name() };
    const kind = section.byte();
    const where = `the import \`${item.module}\` \`${item.name}\``;
    if (kind !== 0) {
      if (kind === 2) readLimits(section, where);
      throw moduleFault(`${where} is no function, and an enclave has nothing else to import`);
    }
    section.unsigned();
    found.imports.push(item);
  }
}

function readExports(section: Reader, found: Found): void {
  for (let count = section.unsigned(); count > 0; count--) {
    const name = section.name();
    if (section.byte() === 0) found.exports.add(name);
    section.unsigned();
  }
}

function readMemory(section: Reader, found: Found): void {
  found.memories++;
  found.initialPages = readLimits(section, "the memory");
}

/** Flags: 1 a maximum follows, 2 shared, 4 of 64 bits. */
function readLimits(section: Reader, where: string): number {
  const flags = section.byte();
  if ((flags & 2) !== 0) throw unsupported("threads (a shared memory)", where);
  if ((flags & 4) !== 0) throw unsupported("memory64", where);
  const initial = section.unsigned();
  if ((flags & 1) !== 0) section.unsigned();
  return initial;
}

function readCode(section: Reader): void {
  const count = section.unsigned();
  for (let index = 0; index < count; index++) {
    const body = section.part(section.unsigned());
    const where = `the body of function ${index}`;
    for (let groups = body.unsigned(); groups > 0; groups--) {
      body.unsigned();
      checkValueType(body.byte(), where);
    }
    checkInstructions(body, where);
  }
}
