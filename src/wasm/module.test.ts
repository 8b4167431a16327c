// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { attestsItself, checkImports } from "./imports.ts";
import { parseModule } from "./module.ts";

const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

/** A section; its payload is shorter than 128 bytes. */
const section = (id: number, ...payload: number[]) => [id, payload.length, ...payload];
const text = (value: string) => [value.length, ...new TextEncoder().encode(value)];

const START_TYPE = section(1, 1, 0x60, 0, 0);
const FUNCTION = section(3, 1, 0);
const MEMORY = section(5, 1, 0, 1);
const EXPORT = section(7, 1, ...text("_start"), 0, 0);

/** A module whose `_start` has this body; `parts` take the place of sections of the same number. */
function module({
  body = [] as number[],
  locals = [0],
  memory = MEMORY,
  exported = EXPORT,
  type = START_TYPE,
  imports = [] as number[],
} = {}): Uint8Array {
  const code = [...locals, ...body, 0x0b];
  return Uint8Array.from([
    ...HEADER,
    ...type,
    ...imports,
    ...FUNCTION,
    ...memory,
    ...exported,
    ...section(10, 1, code.length, ...code),
  ]);
}

const reason = (bytes: Uint8Array) => {
  try {
    parseModule(bytes);
  } catch (error) {
    return String(error);
  }
  return "accepted";
};

test("a program with a memory and `_start` is accepted", () => {
  expect(parseModule(module())).toEqual({ imports: [], initialPages: 1 });
});

test("instructions of each class are stepped over", () => {
  const body = [
    ...[0x02, 0x40, 0x41, 0x80, 0x01, 0x0e, 1, 0, 0, 0x0b], // block, i32.const, br_table
    ...[0x43, 1, 2, 3, 4, 0x1a, 0x44, 1, 2, 3, 4, 5, 6, 7, 8, 0x1a], // f32.const, f64.const
    ...[0x41, 0, 0x28, 2, 0x10, 0x1a], // i32.load
    ...[0x41, 0, 0x41, 0, 0x41, 0, 0x1c, 1, 0x7f, 0x1a], // select (i32)
    ...[0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 10, 0, 0], // memory.copy
    ...[0x3f, 0, 0xc0, 0x1a], // memory.size, i32.extend8_s
  ];
  expect(reason(module({ body }))).toBe("accepted");
});

test.each([
  ["SIMD", { body: [0xfd, 12] }],
  ["SIMD", { locals: [1, 1, 0x7b] }],
  ["SIMD", { type: section(1, 1, 0x60, 1, 0x7b, 0) }],
  ["threads and atomics", { body: [0xfe, 3, 0] }],
  ["threads (a shared memory)", { memory: section(5, 1, 3, 1, 2) }],
  ["memory64", { memory: section(5, 1, 4, 1) }],
  ["tail calls", { body: [0x12, 0] }],
  ["tail calls", { body: [0x13, 0, 0] }],
  ["exception handling", { body: [0x06, 0x40, 0x0b] }],
  ["typed function references", { body: [0x14, 0] }],
  ["garbage collection", { body: [0xfb, 0] }],
  ["more than one memory", { memory: section(5, 2, 0, 1, 0, 1) }],
  ["more than one memory", { body: [0x41, 0, 0x28, 0x42, 1, 0, 0x1a] }],
])("%s is refused by name", (name, parts) => {
  expect(reason(module(parts))).toContain(`uses ${name}`);
});

test.each([
  ["no module", Uint8Array.of(1, 2, 3), "does not start as one"],
  ["a component", Uint8Array.from([...HEADER.slice(0, 4), 0x0d, 0, 1, 0]), "component"],
  ["a library", module({ exported: section(7, 0) }), "_start"],
  ["no memory", module({ memory: section(5, 0) }), "no memory"],
  ["cut off", module().subarray(0, 20), "ends within"],
  ["an unknown instruction", module({ body: [0xc8] }), "unknown instruction 0xc8"],
  ["an endless integer", module({ body: [0x41, ...Array(12).fill(0x80)] }), "too long"],
])("%s is refused", (_, bytes, expected) => {
  expect(reason(bytes)).toContain(expected);
});

test("a prefix of a module is refused, or ends between sections, and nothing else is thrown", () => {
  const whole = module({ body: [0x41, 0, 0x28, 2, 0x10, 0x1a] });
  for (let length = 0; length < whole.length; length++) {
    expect(reason(whole.subarray(0, length))).toMatch(
      /^(RuneError: read WebAssembly module|accepted$)/,
    );
  }
});

test("imports that nobody answers are refused, with what there is", () => {
  const wasi = "wasi_snapshot_preview1";
  checkImports([{ module: wasi, name: "fd_read" }]);
  checkImports([{ module: "inclavare:enclave", name: "seal" }]);
  expect(() => checkImports([{ module: wasi, name: "sock_open" }])).toThrow("`sock_open`");
  expect(() => checkImports([{ module: "env", name: "abort" }])).toThrow("`env`");
  expect(attestsItself([{ module: "inclavare:enclave", name: "quote" }])).toBe(true);
  expect(attestsItself([{ module: "inclavare:enclave", name: "seal" }])).toBe(false);
});
