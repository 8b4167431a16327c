// SPDX-License-Identifier: Apache-2.0
/**
 * Steps over a function's instructions to find those of proposals that wasm2c cannot translate: it
 * aborts on some of them, and says little about others. Opcodes: WebAssembly core 2.0, 5.4, and the
 * proposals' overviews.
 */
import { moduleFault, type Reader } from "./reader.ts";

/** Opcodes of whole proposals, by name. */
const REFUSED: Readonly<Record<number, string>> = {
  6: "exception handling",
  7: "exception handling",
  8: "exception handling",
  9: "exception handling",
  10: "exception handling",
  18: "tail calls",
  19: "tail calls",
  20: "typed function references",
  21: "typed function references",
  24: "exception handling",
  25: "exception handling",
  31: "exception handling",
  211: "reference types of the GC proposal",
  212: "typed function references",
  213: "typed function references",
  214: "typed function references",
  251: "garbage collection",
  253: "SIMD",
  254: "threads and atomics",
};

/** How many LEB128 numbers follow an opcode; opcodes that are not here have none. */
const NUMBERS: Readonly<Record<number, number>> = {
  12: 1, // br
  13: 1, // br_if
  16: 1, // call
  17: 2, // call_indirect
  32: 1, // local.get
  33: 1,
  34: 1,
  35: 1, // global.get
  36: 1,
  37: 1, // table.get
  38: 1,
  63: 1, // memory.size
  64: 1, // memory.grow
  65: 1, // i32.const
  66: 1, // i64.const
  208: 1, // ref.null
  210: 1, // ref.func
};

/** The same behind 0xfc. */
const PREFIXED: Readonly<Record<number, number>> = {
  8: 2,
  9: 1,
  10: 2,
  11: 1,
  12: 2,
  13: 1,
  14: 2,
  15: 1,
  16: 1,
  17: 1,
};

const LAST_PREFIXED = 17;
const BR_TABLE = 14;
const SELECT_TYPED = 28;
const F32_CONST = 67;
const F64_CONST = 68;
const PREFIX = 252;
const BLOCKS = new Set([2, 3, 4]);
const VALUE_TYPE_V128 = 0x7b;

/** Reads instructions up to the reader's end. @throws RuneError that names an unsupported proposal */
export function checkInstructions(code: Reader, where: string): void {
  while (!code.atEnd) checkInstruction(code, where);
}

function checkInstruction(code: Reader, where: string): void {
  const opcode = code.byte();
  const refused = REFUSED[opcode];
  if (refused !== undefined) throw unsupported(refused, where);
  if (BLOCKS.has(opcode)) {
    code.skipInteger();
  } else if (opcode >= 40 && opcode <= 62) {
    // A load or store: alignment, whose bit 6 says that a memory's index follows, and offset.
    if ((code.unsigned() & 0x40) !== 0) throw unsupported("more than one memory", where);
    code.unsigned();
  } else if (opcode === BR_TABLE) {
    for (let count = code.unsigned() + 1; count > 0; count--) code.unsigned();
  } else if (opcode === SELECT_TYPED) {
    for (let count = code.unsigned(); count > 0; count--) checkValueType(code.byte(), where);
  } else if (opcode === F32_CONST) {
    code.skip(4);
  } else if (opcode === F64_CONST) {
    code.skip(8);
  } else if (opcode === PREFIX) {
    const second = code.unsigned();
    if (second > LAST_PREFIXED)
      throw moduleFault(`${where} has the unknown instruction 0xfc ${second}`);
    for (let count = PREFIXED[second] ?? 0; count > 0; count--) code.unsigned();
  } else {
    for (let count = NUMBERS[opcode] ?? 0; count > 0; count--) code.skipInteger();
    if (opcode > 196 && NUMBERS[opcode] === undefined && opcode !== 209)
      throw moduleFault(`${where} has the unknown instruction 0x${opcode.toString(16)}`);
  }
}

/** Refuses vector types; other proposals' types have no instruction that could use them. */
export function checkValueType(type: number, where: string): void {
  if (type === VALUE_TYPE_V128) throw unsupported("SIMD", where);
  if (type >= 0x7c && type <= 0x7f) return;
  if (type === 0x70 || type === 0x6f) return;
  throw unsupported("reference types of the GC proposal", where);
}

/** What cannot be built, by the proposal's name. */
export function unsupported(proposal: string, where: string): Error {
  return moduleFault(
    `${where} uses ${proposal}, which enclaves cannot run`,
    "compile the program without it: clang and rustc leave it out unless asked",
  );
}
