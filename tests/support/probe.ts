// SPDX-License-Identifier: Apache-2.0
/** The C helpers of the runtime's tests, compiled when they are first needed. */
import { existsSync, mkdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { mustRun } from "./command.ts";
import { repository } from "./runtime.ts";

/** Path of probe.c's program; static, so that it runs in containers too. */
export function probe(): Promise<string> {
  return compiled("probe", ["musl-gcc", "-static"]);
}

/** Path of listener.c's program, for the host: musl's compiler has no kernel headers. */
export function listener(): Promise<string> {
  return compiled("listener", ["gcc"]);
}

async function compiled(name: string, compiler: readonly string[]): Promise<string> {
  const source = join(import.meta.dir, `${name}.c`);
  const program = join(repository, "native/build/tests-support", name);
  if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return program;
  mkdirSync(join(program, ".."), { recursive: true });
  const fresh = `${program}.${process.pid}`;
  const options = ["-std=c11", "-D_GNU_SOURCE", "-O1", "-Wall", "-Wextra", "-Werror"];
  await mustRun([...compiler, ...options, "-o", fresh, source]);
  renameSync(fresh, program);
  return program;
}
