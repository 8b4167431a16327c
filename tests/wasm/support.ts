// SPDX-License-Identifier: Apache-2.0
/** Enclaves of the tests: programs compiled with Debian's clang, built with the built sgx-tools. */
import { afterAll } from "bun:test";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { newSigningKey } from "../../src/sgx/testing.ts";
import { defaultNamespaces, type JsonObject } from "../support/bundle.ts";
import { mustRun } from "../support/command.ts";
import { EnclaveSandbox, enclave, enclaveObstacle } from "../support/enclave.ts";
import { repository } from "../support/runtime.ts";

const dist = join(repository, "dist/lib/inclavare");
const tools = join(repository, "dist/bin/sgx-tools");
export const loader = join(dist, "liberpal-wasm.so");
const wasiHeaders = "/usr/include/wasm32-wasi";

/** Why there can be no such enclave here. */
export const wasmObstacle: string | undefined =
  enclaveObstacle ??
  (existsSync(loader) ? undefined : "needs scripts/build.sh") ??
  (Bun.which("wasm2c") === null ? "needs wabt" : undefined) ??
  (existsSync("/dev/sgx_enclave") ? "the machine has SGX" : undefined);

export const clangObstacle: string | undefined =
  wasmObstacle ??
  (Bun.which("clang") === null || !existsSync(wasiHeaders)
    ? "needs clang and wasi-libc"
    : undefined);

/** A folder of this file's for programs and enclaves, with a signing key. */
export class Workshop {
  readonly path = mkdtempSync(join(tmpdir(), "wasm-enclaves-"));
  readonly #built = new Map<string, Promise<string>>();

  constructor() {
    const pem = newSigningKey().export({ type: "pkcs1", format: "pem" });
    writeFileSync(join(this.path, "key.pem"), pem, { mode: 0o600 });
    afterAll(() => rmSync(this.path, { recursive: true, force: true }));
  }

  /** Builds programs/NAME.c once with this manifest; the path of the enclave. */
  program(name: string, manifest: string): Promise<string> {
    const key = `${name}\0${manifest}`;
    const made = this.#built.get(key) ?? this.#build(name, manifest, this.#built.size);
    this.#built.set(key, made);
    return made;
  }

  async #build(name: string, manifest: string, number: number): Promise<string> {
    const wasm = join(this.path, `${name}-${number}.wasm`);
    await compileC(join(import.meta.dir, "programs", `${name}.c`), wasm);
    return this.enclave(wasm, manifest);
  }

  async enclave(wasm: string, manifest: string): Promise<string> {
    const output = wasm.replace(/\.wasm$/, ".encl");
    writeFileSync(`${output}.toml`, manifest);
    const words = ["--manifest", `${output}.toml`, "--key", join(this.path, "key.pem")];
    await mustRun([tools, "build-wasm", ...words, "-o", output, wasm]);
    return output;
  }
}

export async function compileC(source: string, wasm: string, ...flags: string[]): Promise<void> {
  await mustRun([
    "clang",
    ...["--target=wasm32-wasi", "--sysroot=/", "-isystem", wasiHeaders, "-L/usr/lib/wasm32-wasi"],
    ...["-O2", "-Wall", "-Werror", "-I", join(repository, "examples/wasm/c"), ...flags],
    ...["-o", wasm, source],
  ]);
}

export class WasmSandbox extends EnclaveSandbox {
  constructor() {
    super({ host: "bare" });
    for (const name of ["data", "safe"]) {
      mkdirSync(join(this.bundle.rootfs, name), { mode: 0o777 });
      // The mask of the one who runs the tests.
      Bun.spawnSync(["chmod", "777", join(this.bundle.rootfs, name)]);
    }
  }

  /** A path in the container's root file system. */
  file(...parts: string[]): string {
    return join(this.bundle.rootfs, ...parts);
  }

  /** Puts enclaves into the root; the first is the payload. */
  configuration(image: string, args: readonly string[] = [], palArgs = ""): JsonObject {
    copyFileSync(image, this.file(basename(image)));
    copyFileSync(loader, join(this.pals, "liberpal-wasm.so"));
    const base = enclave(join(this.pals, "liberpal-wasm.so"), palArgs);
    return {
      ...base,
      // `enclave` has an object there.
      process: {
        ...(base["process"] as JsonObject),
        args: [`/${basename(image)}`, ...args],
        env: ["PATH=/bin", "APP_MODE=two", "OTHER=three", "FIXED=four"],
      },
      root: { readonly: false },
    };
  }

  /** Runs an enclave to its end. */
  async runEnclave(image: string, args: readonly string[] = [], ...changes: JsonObject[]) {
    this.configure(this.configuration(image, args), ...changes);
    return await this.call(["run", "--platform", "simulation", this.id()]);
  }
}

/** All namespaces but that of the network. */
export const hostNetwork: JsonObject = {
  linux: {
    namespaces: defaultNamespaces.filter((type) => type !== "network").map((type) => ({ type })),
  },
};

export function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}
