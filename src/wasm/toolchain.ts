// SPDX-License-Identifier: Apache-2.0
/** wasm2c and gcc, with the flags that MRENCLAVE depends on. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { RuneError } from "../errors/error.ts";
import { adaptProgram, generateStart } from "./generate.ts";
import { checkMachineCode } from "./machine-code.ts";
import type { Manifest } from "./manifest.ts";

export const RUNTIME_ARCHIVE = "libenclave-wasm.a";
export const WASM2C_VERSION = "1.0.32";

/** What the enclave's bytes depend on beside program and manifest. */
export type Toolchain = {
  readonly wasm2c: string;
  readonly gcc: string;
  readonly ld: string;
  /** SHA-256 of the runtime archive. */
  readonly runtime: string;
};

/** Nothing of the caller's environment but where the tools are: LANG, CPATH and the like change them. */
const environment = { PATH: process.env["PATH"] ?? "/usr/bin:/bin", LC_ALL: "C" };

const COMPILE = [
  ..."-std=gnu11 -O2 -fPIE -ffreestanding -fbuiltin -fvisibility=hidden -mno-red-zone".split(" "),
  ..."-fcf-protection=none -fno-asynchronous-unwind-tables -fno-ident -fno-strict-aliasing".split(
    " ",
  ),
  ..."-fno-math-errno -fno-stack-protector -fstack-clash-protection -w -DNDEBUG".split(" "),
  "-DWASM_RT_SKIP_SIGNAL_RECOVERY=1",
  "-DWASM_RT_USE_STACK_DEPTH_COUNT=0",
];

const LINK = [
  "-nostdlib",
  "-static-pie",
  "-Wl,-z,norelro,-z,noexecstack,-z,separate-code,-z,max-page-size=4096",
  "-Wl,--no-dynamic-linker,-Bsymbolic,--build-id=none,-e,enclave_entry,--gc-sections,-s",
];

/** Compiles a checked module to the linked enclave, in a directory of its own. */
export async function compile(
  module: Uint8Array,
  manifest: Manifest,
  runtimeDirectory: string,
  progress: (step: string) => void,
): Promise<Uint8Array> {
  const archive = resolve(runtimeDirectory, RUNTIME_ARCHIVE);
  if (!existsSync(archive)) {
    throw new RuneError({
      code: "WASM_TOOLCHAIN",
      doing: `open \`${archive}\``,
      reason: "the runtime's trusted part is not there",
    });
  }
  const directory = mkdtempSync(join(tmpdir(), "inclavare-wasm-"));
  try {
    const run = (tool: string, ...words: readonly string[]) => execute(tool, words, directory);
    progress("translate");
    await translate(module, directory);
    const flags = compileFlags(manifest);
    progress("compile");
    await run("gcc", ...flags, "-c", "app.c", "-o", "app.o");
    await run("gcc", ...flags, "-c", "start.c", "-o", "start.o");
    progress("link");
    await run("gcc", ...LINK, "-o", "app.elf", "start.o", "app.o", archive);
    progress("check");
    await checkMachineCode(join(directory, "app.elf"), environment);
    return new Uint8Array(readFileSync(join(directory, "app.elf")));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Writes app.c, which gcc compiles with `compileFlags`, and start.c. */
export async function translate(module: Uint8Array, directory: string): Promise<void> {
  const path = (name: string) => join(directory, name);
  writeFileSync(path("app.wasm"), module);
  const words = ["--module-name=app", "--no-debug-names", "app.wasm", "-o", "app.c"];
  await execute("wasm2c", words, directory);
  writeFileSync(path("app.c"), adaptProgram(readFileSync(path("app.c"), "utf8")));
  writeFileSync(path("start.c"), generateStart(readFileSync(path("app.h"), "utf8")));
}

export function compileFlags(manifest: Pick<Manifest, "avx" | "guardPages">): readonly string[] {
  return [
    ...COMPILE,
    `-march=${manifest.avx ? "x86-64-v3" : "x86-64-v2"}`,
    `-DWASM_RT_MEMCHECK_SIGNAL_HANDLER=${manifest.guardPages ? 1 : 0}`,
  ];
}

/** @throws RuneError WASM_TOOLCHAIN for a tool that is missing or of another version */
export async function findToolchain(runtimeDirectory: string): Promise<Toolchain> {
  const wasm2c = (await execute("wasm2c", ["--version"], "/")).trim();
  if (wasm2c !== WASM2C_VERSION) {
    throw new RuneError({
      code: "WASM_TOOLCHAIN",
      doing: "use `wasm2c`",
      reason: `it is of version ${wasm2c}, and only ${WASM2C_VERSION} is known`,
    });
  }
  const archive = join(runtimeDirectory, RUNTIME_ARCHIVE);
  return {
    wasm2c,
    gcc: firstLine(await execute("gcc", ["--version"], "/")),
    ld: firstLine(await execute("ld", ["--version"], "/")),
    runtime: existsSync(archive)
      ? createHash("sha256").update(readFileSync(archive)).digest("hex")
      : "missing",
  };
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}

function execute(tool: string, words: readonly string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { cwd, env: environment, maxBuffer: 1 << 24 };
    execFile(tool, [...words], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(toolFault(tool, error, stderr));
    });
  });
}

function toolFault(tool: string, error: Error & { code?: unknown }, stderr: string): RuneError {
  const missing = error.code === "ENOENT";
  return new RuneError({
    code: "WASM_TOOLCHAIN",
    doing: `run \`${tool}\``,
    reason: missing ? "it is not installed" : firstLine(stderr) || error.message,
    ...(missing ? { hint: "Debian: apt-get install wabt gcc binutils libc6-dev" } : {}),
    cause: error,
  });
}
