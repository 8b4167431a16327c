// SPDX-License-Identifier: Apache-2.0
/** The C that is compiled: wasm2c's, adapted, and what starts it. */
import { RuneError } from "../errors/error.ts";

/**
 * Loads and stores of wasm2c 1.0.32, and what takes their place: FS is the linear memory's base, so
 * that no register is spent on it. The asm after a load stays: it keeps a dead load, and so its trap.
 * The asm before an access hides addresses that are constant: for those from 2 GiB on, gcc 12 emits
 * `movabs` without the segment, which is an access to the host's memory.
 */
const HIDDEN = '__asm__("" : "+r"(addr)); ';
const REPLACED = [
  [
    "wasm_rt_memcpy(&result, &mem->data[addr], sizeof(t1));",
    `${HIDDEN}result = *(const t1 __seg_fs __attribute__((may_alias, aligned(1))) *)addr;`,
  ],
  [
    "wasm_rt_memcpy(&mem->data[addr], &wrapped, sizeof(t1));",
    `${HIDDEN}*(t1 __seg_fs __attribute__((may_alias, aligned(1))) *)addr = wrapped;`,
  ],
] as const;

/** @throws RuneError for the output of a wasm2c that is written in another way */
export function adaptProgram(source: string): string {
  let adapted = source;
  for (const [before, after] of REPLACED) {
    if (adapted.split(before).length !== 2) throw otherWasm2c("its loads and stores are others");
    adapted = adapted.replace(before, after);
  }
  return adapted;
}

/** `app_run` of native/wasm/trusted/app.h, for a module that was given the name `app`. */
export function generateStart(header: string): string {
  const parameters = /void Z_app_instantiate\(Z_app_instance_t\*((?:, struct \w+\*)*)\);/.exec(
    header,
  )?.[1];
  if (parameters === undefined || !header.includes("Z_appZ__start(")) {
    throw otherWasm2c("its functions are others");
  }
  const nulls = parameters
    .split(",")
    .slice(1)
    .map(() => ", 0");
  return [
    '#include "app.h"',
    "void app_run(void);",
    "static Z_app_instance_t instance;",
    "void app_run(void)",
    "{",
    "    Z_app_init_module();",
    `    Z_app_instantiate(&instance${nulls.join("")});`,
    "    Z_appZ__start(&instance);",
    "}",
    "",
  ].join("\n");
}

function otherWasm2c(reason: string): RuneError {
  return new RuneError({
    code: "WASM_TOOLCHAIN",
    doing: "adapt the output of `wasm2c`",
    reason,
    hint: "version 1.0.32 is known, Debian 12's package wabt",
  });
}
