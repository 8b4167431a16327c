// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { adaptProgram, generateStart } from "./generate.ts";

/** As wasm2c 1.0.32 writes them, beside what must stay. */
const load = "wasm_rt_memcpy(&result, &mem->data[addr], sizeof(t1));";
const store = "wasm_rt_memcpy(&mem->data[addr], &wrapped, sizeof(t1));";
const kept = 'wasm_asm("" ::"r"(result));';
const bigEndian = "wasm_rt_memcpy(&result, &mem->data[mem->size - addr - sizeof(t1)], sizeof(t1));";

test("each load and store goes by FS, at an address that gcc cannot know", () => {
  const adapted = adaptProgram(`${bigEndian}\n${load}\n${kept}\n${store}\n`).split("\n");
  const hidden = '__asm__("" : "+r"(addr)); ';
  const type = "__seg_fs __attribute__((may_alias, aligned(1))) *)addr";
  expect(adapted).toEqual([
    bigEndian,
    `${hidden}result = *(const t1 ${type};`,
    kept,
    `${hidden}*(t1 ${type} = wrapped;`,
    "",
  ]);
});

test.each([
  ["no load", store],
  ["no store", load],
  ["two loads", `${load}${load}${store}`],
  ["two stores", `${load}${store}${store}`],
  ["nothing", ""],
])("the output of another wasm2c is refused: %s", (_, source) => {
  expect(() => adaptProgram(source)).toThrow("its loads and stores are others");
});

test("the start has an instance for each imported module", () => {
  const header = (parameters: string) =>
    `void Z_app_instantiate(Z_app_instance_t*${parameters});\nvoid Z_appZ__start(Z_app_instance_t*);\n`;
  expect(generateStart(header(""))).toContain("Z_app_instantiate(&instance);");
  expect(generateStart(header(", struct Z_wasi_s*, struct Z_enclave_s*"))).toContain(
    "Z_app_instantiate(&instance, 0, 0);",
  );
  expect(() => generateStart("void Z_app_instantiate(Z_app_instance_t*);")).toThrow(
    "its functions are others",
  );
});
