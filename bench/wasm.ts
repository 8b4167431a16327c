// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run bench:wasm`: WebAssembly enclaves on the simulated platform beside their aims: a container from
 * create to exit, loading, a host call, and what is computed inside beside native code and the WASI of Bun and
 * Node, interleaved in one run. Writes bench/results/wasm.md.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join, resolve } from "node:path";
import { newSigningKey } from "../src/sgx/testing.ts";
import { removeTree } from "../tests/support/remove.ts";
import { machine, median, once, writeResult } from "./support.ts";

const root = resolve(import.meta.dir, "..");
const rounds = Number(process.env["ROUNDS"] ?? 11);
const rune = join(root, "dist/bin/rune");
const lib = join(root, "dist/lib/inclavare");
const kernels = ["sha256", "matrix", "nbody"] as const;

// Not below /tmp: a PAL is loaded only from where root alone can have put it.
const scratch = mkdtempSync("/var/lib/bench-wasm-");
const path = (name: string) => join(scratch, name);
try {
  measure();
} finally {
  removeTree(scratch);
}

function measure(): void {
  prepare();
  const hello = ["hello", bundle("hello", "hello.encl")] as const;
  const enclave = bundle("kernels", "kernels.encl");
  const engine = join(root, "bench/wasm/engine.mjs");
  const bun = join(root, "node_modules/@oven/bun-linux-x64/bin/bun");
  const engines: readonly (readonly [string, (kernel: string) => readonly string[]])[] = [
    ["native, gcc -O2", (kernel) => [path("native"), kernel]],
    ["enclave", (kernel) => run("kernels", setArguments(enclave, kernel))],
    ["Bun", (kernel) => [bun, engine, path("kernels.wasm"), kernel]],
    ["Node", (kernel) => ["node", "--no-warnings", engine, path("kernels.wasm"), kernel]],
  ];
  const load = [
    join(lib, "sgxsim"),
    path("load"),
    path("pal/liberpal-wasm.so"),
    path("hello.encl"),
  ];
  const times = new Map<string, number[]>();
  const note = (name: string, value: number) =>
    times.set(name, [...(times.get(name) ?? []), value]);
  const sums = new Map<string, string>();
  for (let round = 0; round < rounds; round++) {
    note("hello", once(run(...hello)).wallMs);
    note("load", reading(load).ns);
    note("ocall", reading(run("kernels", setArguments(enclave, "ocall"))).ns);
    for (const kernel of kernels) {
      for (const [name, command] of engines) {
        const { ns, sum } = reading(command(kernel));
        note(`${name} ${kernel}`, ns);
        if ((sums.get(kernel) ?? sum) !== sum) throw new Error(`${name}: ${kernel} gives ${sum}`);
        sums.set(kernel, sum);
      }
    }
  }
  write((name) => median(times.get(name) ?? []));
}

function prepare(): void {
  const pem = newSigningKey().export({ type: "pkcs1", format: "pem" });
  writeFileSync(path("key.pem"), pem, { mode: 0o600 });
  mkdirSync(path("pal"));
  cpSync(join(lib, "liberpal-wasm.so"), path("pal/liberpal-wasm.so"));
  writeFileSync(path("config.toml"), `[runtime]\npal_dirs = ["${path("pal")}"]\n`);
  const source = join(root, "bench/wasm/kernels.c");
  must(["gcc", "-O2", "-o", path("native"), source, "-lm"]);
  const loader = join(root, "bench/wasm/load.c");
  must(["gcc", "-O2", "-I", join(root, "native/include"), "-o", path("load"), loader]);
  clang(source, "kernels.wasm");
  clang(join(root, "examples/wasm/hello/hello.c"), "hello.wasm");
  const hello = readFileSync(join(root, "examples/wasm/hello/app.toml"), "utf8");
  build("hello.wasm", "hello.encl", hello);
  build("kernels.wasm", "kernels.encl", "[arguments]\nhost = true\n");
}

function clang(source: string, name: string): void {
  const where = ["--sysroot=/", "-isystem", "/usr/include/wasm32-wasi", "-L/usr/lib/wasm32-wasi"];
  const helper = ["-I", join(root, "examples/wasm/c")];
  must(["clang", "--target=wasm32-wasi", ...where, ...helper, "-O2", "-o", path(name), source]);
}

function build(program: string, name: string, manifest: string): void {
  writeFileSync(path(`${name}.toml`), manifest);
  const words = ["--manifest", path(`${name}.toml`), "--key", path("key.pem"), "-o", path(name)];
  must([join(root, "dist/bin/sgx-tools"), "build-wasm", ...words, path(program)]);
}

function bundle(name: string, image: string): string {
  const folder = path(`bundle-${name}`);
  for (const directory of ["proc", "dev", "sys"]) {
    mkdirSync(join(folder, "rootfs", directory), { recursive: true });
  }
  cpSync(path(image), join(folder, "rootfs/app.encl"));
  const text = readFileSync(join(root, "examples/wasm/web/config.json"), "utf8");
  const config = JSON.parse(text);
  config.annotations["enclave.runtime.path"] = path("pal/liberpal-wasm.so");
  config.linux.cgroupsPath = `/${scratch.slice(scratch.lastIndexOf("/") + 1)}-${name}`;
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  return folder;
}

function setArguments(folder: string, ...args: readonly string[]): string {
  const config = JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));
  config.process.args = ["/app.encl", ...args];
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  return folder;
}

function run(id: string, folder: string): readonly string[] {
  const settings = ["--root", path("state"), "--config", path("config.toml")];
  return [rune, ...settings, "run", "--platform", "simulation", "--bundle", folder, `bench-${id}`];
}

/** What kernels.c prints. */
function reading(command: readonly string[]): { ns: number; sum: string } {
  const [ns = "", sum = ""] = must(command).trim().split(" ");
  return { ns: Number(ns), sum };
}

function must(command: readonly string[]): string {
  const child = Bun.spawnSync([...command], { stdin: "ignore" });
  if (child.exitCode === 0) return child.stdout.toString();
  throw new Error(`${command.join(" ")}: status ${child.exitCode}: ${child.stderr.toString()}`);
}

function write(of: (name: string) => number): void {
  const ms = (value: number) => value.toFixed(1);
  const row = (kernel: string) => {
    const native = of(`native, gcc -O2 ${kernel}`);
    const cells = ["native, gcc -O2", "enclave", "Bun", "Node"].map((name) => {
      const value = of(`${name} ${kernel}`);
      return `${ms(value / 1e6)} (${(value / native).toFixed(2)})`;
    });
    return `| ${[kernel, ...cells].join(" | ")} |`;
  };
  writeResult(
    "wasm",
    `# WebAssembly enclaves

${machine()}
Medians of ${rounds} interleaved rounds, on the simulated platform; load average ${loadavg()[0]?.toFixed(1)} at the end.

| | | aim |
|---|---|---|
| container with the hello enclave, \`rune run\` to its end | ${ms(of("hello"))} ms | 40 ms |
| loading the hello enclave, 4 MiB of memory (\`pal_create_process\`) | ${(of("load") / 1e6).toFixed(2)} ms | 6 ms |
| a host call (a clock read by the program) | ${(of("ocall") / 1000).toFixed(2)} us | 1 us with the fast path |

Computed inside, in ms, and in parentheses the multiple of native. Aims: at most 1.6 on sha256, ahead of both engines.

| | native, gcc -O2 | enclave | Bun's WASI | Node's WASI |
|---|---|---|---|---|
${kernels.map(row).join("\n")}
`,
  );
}
