// SPDX-License-Identifier: Apache-2.0
/** Where the tests of the sample enclave runtime find an SGX platform and their client programs. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dir, "../..");

/** The folder of the built PALs, enclave and SIGSTRUCTs. */
export const library = join(root, "native/build/lib");
const simulator = join(library, "sgxsim");

/**
 * What to put before a program so that it finds an SGX platform: nothing on a machine that has one,
 * a command given in INCLAVARE_SGX_PLATFORM, or the simulator; undefined where there is none.
 */
export const platform: readonly string[] | undefined = findPlatform();

/** For a test's name, where `platform` is undefined. */
export const whySkipped =
  platform === undefined ? " (skipped: no /dev/sgx_enclave, and sgxsim is not built)" : "";

/** What the PALs need that `make` and scripts/sign-skeleton.ts leave behind. */
export const isBuilt = existsSync(join(library, "encl.ss"));
export const whyNotBuilt = isBuilt ? "" : " (skipped: run scripts/build.sh first)";

/** Compiles one of clients/*.c into a folder and returns the program's path. */
export function compileClient(name: string, folder: string): string {
  const program = join(folder, name);
  const source = join(import.meta.dir, "clients", `${name}.c`);
  const flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-O1"];
  const compiler = Bun.spawnSync(["gcc", ...flags, "-o", program, source, "-lpthread", "-ldl"]);
  if (compiler.exitCode !== 0) throw new Error(compiler.stderr.toString());
  return program;
}

export type Output = { readonly code: number | null; readonly out: string[]; readonly err: string };

/** Runs a program in a folder and returns its exit code, its lines and its standard error. */
export function runIn(folder: string, command: readonly string[]): Output {
  const child = Bun.spawnSync([...command], { cwd: folder, stdin: "ignore", timeout: 60_000 });
  const out = child.stdout.toString().split("\n").slice(0, -1);
  return { code: child.exitCode, out, err: child.stderr.toString() };
}

function findPlatform(): readonly string[] | undefined {
  const given = process.env["INCLAVARE_SGX_PLATFORM"];
  if (given !== undefined && given !== "") return given.split(" ");
  if (existsSync("/dev/sgx_enclave")) return [];
  return existsSync(simulator) ? [simulator] : undefined;
}
