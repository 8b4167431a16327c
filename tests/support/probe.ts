// SPDX-License-Identifier: Apache-2.0
/** The C helper of the runtime's tests, compiled when it is first needed: tests/support/probe.c. */
import { existsSync, mkdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { mustRun } from "./command.ts";
import { repository } from "./runtime.ts";

const source = join(import.meta.dir, "probe.c");
const program = join(repository, "native/build/tests-support/probe");

/** Path of the program; static, so that it runs in containers too. */
export async function probe(): Promise<string> {
  if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return program;
  mkdirSync(join(program, ".."), { recursive: true });
  const fresh = `${program}.${process.pid}`;
  const warnings = ["-Wall", "-Wextra", "-Werror"];
  await mustRun([
    "musl-gcc",
    "-std=c11",
    "-D_GNU_SOURCE",
    "-O1",
    ...warnings,
    "-static",
    "-o",
    fresh,
    source,
  ]);
  renameSync(fresh, program);
  return program;
}
