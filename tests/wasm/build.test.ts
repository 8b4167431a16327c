// SPDX-License-Identifier: Apache-2.0
/** The builder with its real tools: what comes out, twice, and what is refused. */
import { expect } from "bun:test";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildEnclave } from "../../src/wasm/build.ts";
import { parseImage } from "../../src/wasm/image.ts";
import { parseManifest } from "../../src/wasm/manifest.ts";
import { command, mustRun } from "../support/command.ts";
import { needs, repository } from "../support/runtime.ts";
import { clangObstacle, compileC, WasmSandbox, Workshop } from "./support.ts";

const test = needs(clangObstacle);
const tools = join(repository, "dist/bin/sgx-tools");
const workshop = new Workshop();
const path = (name: string) => join(workshop.path, name);

test("the same inputs give the same bytes from any directory", async () => {
  await compileC(join(import.meta.dir, "programs/traps.c"), path("same.wasm"));
  mkdirSync(path("elsewhere"));
  copyFileSync(path("same.wasm"), path("elsewhere/renamed.wasm"));
  const words = ["build-wasm", "--key", path("key.pem"), "-o"];
  const first = await mustRun([tools, ...words, path("same.encl"), path("same.wasm")]);
  const second = await mustRun([tools, ...words, "out.encl", "renamed.wasm"], {
    cwd: path("elsewhere"),
  });
  expect(second).toBe(first);
  expect(readFileSync(path("elsewhere/out.encl")).equals(readFileSync(path("same.encl")))).toBe(
    true,
  );
  const record = JSON.parse(readFileSync(path("same.encl.json"), "utf8"));
  expect(record).toMatchObject({ mrenclave: first.trim(), toolchain: { wasm2c: "1.0.32" } });
});

/*
 * What the processor refuses in an enclave, or lets the host answer: searched in the disassembly, for
 * the same bytes occur within other instructions. The builder has looked itself, in another way.
 */
test("no instruction of an enclave is one that enclaves may not have", async () => {
  for (const manifest of ["", '[memory]\nguard = "checks"\n', "[enclave]\navx = true\n"]) {
    const image = parseImage(readFileSync(await workshop.program("conformance", manifest)));
    for (const segment of image.segments) {
      if (segment.kind !== "code") continue;
      writeFileSync(path("code.bin"), segment.data ?? new Uint8Array());
      const listing = await mustRun([
        "objdump",
        "-D",
        "-b",
        "binary",
        "-m",
        "i386:x86-64",
        path("code.bin"),
      ]);
      const forbidden =
        /\t(syscall|sysenter|sysexit|sysret|cpuid|rdtscp?|int3?|int1|into|in|out|ins|outs|rdpmc|rdmsr|wrmsr|hlt|lret|iret[qw]?|vmcall|getsec|xgetbv|rdpid)\b/;
      expect(listing.split("\n").filter((line) => forbidden.test(line))).toEqual([]);
      expect(listing).toContain("enclu");
    }
  }
});

test("the runtime's own assembler is searched too", async () => {
  await compileC(join(import.meta.dir, "programs/traps.c"), path("searched.wasm"));
  const source = readFileSync(join(repository, "native/wasm/trusted/entry.S"), "utf8");
  const archive = join(path("runtime"), "libenclave-wasm.a");
  mkdirSync(path("runtime"));
  copyFileSync(join(repository, "dist/lib/inclavare/libenclave-wasm.a"), archive);
  const build = () =>
    buildEnclave({
      module: readFileSync(path("searched.wasm")),
      manifest: parseManifest("", "app.toml"),
      manifestText: "",
      runtimeDirectory: path("runtime"),
      date: 0x2026_1123,
    });
  expect((await build()).record.mrenclave).toMatch(/^[0-9a-f]{64}$/);
  for (const instruction of ["cpuid", "rdtsc", "syscall"]) {
    const changed = source.replace(/^enclave_entry:$/m, `$&\n    ${instruction}`);
    expect(changed).not.toBe(source);
    writeFileSync(path("runtime/entry.S"), changed);
    await mustRun(["gcc", "-c", "-o", path("runtime/entry.o"), path("runtime/entry.S")]);
    await mustRun(["ar", "r", archive, path("runtime/entry.o")]);
    const refused = await build().catch((error: Error) => error.message);
    expect(refused).toContain(`\`${instruction}\`, which enclaves may not have`);
  }
});

test("an enclave that is signed elsewhere is the one that is signed here", async () => {
  await using sandbox = new WasmSandbox();
  const image = await workshop.program("traps", "");
  const wasm = image.replace(/\.encl$/, ".wasm");
  await mustRun([tools, "build-wasm", "--tbs", path("tbs"), "-o", path("off.encl"), wasm]);
  const unsigned = await sandbox.runEnclave(path("off.encl"));
  expect(unsigned.status).not.toBe(0);
  expect(unsigned.stderr).toContain("it is not signed");
  const signature = ["openssl", "dgst", "-sha256", "-sign", path("key.pem"), "-out", path("sig")];
  await mustRun([...signature, path("tbs")]);
  await mustRun(["openssl", "rsa", "-in", path("key.pem"), "-pubout", "-out", path("public.pem")]);
  const words = ["--public-key", path("public.pem"), "--signature", path("sig")];
  await mustRun([tools, "catsig", ...words, path("tbs"), path("ss")]);
  await mustRun([tools, "sign-wasm", "--sigstruct", path("ss"), path("off.encl")]);
  expect(readFileSync(path("off.encl")).equals(readFileSync(image))).toBe(true);
  const other = await workshop.program("traps", 'name = "other"\n');
  const refused = await command([tools, "sign-wasm", "--sigstruct", path("ss"), other]);
  expect(refused.stderr).toContain("SGX_SIGNATURE");
});

test("inspect shows manifest, layout and identity", async () => {
  const manifest = `name = "shown"\n[[directory]]\npath = "/data"\nmode = "protected"\n[[listen]]\naddress = "[::1]:80"\n`;
  const image = await workshop.program("traps", manifest);
  const shown = JSON.parse(await mustRun([tools, "inspect", "--json", image]));
  const record = JSON.parse(readFileSync(`${image}.json`, "utf8"));
  expect(shown).toMatchObject({
    type: "wasm-enclave",
    mrenclave: record.mrenclave,
    signatureValid: true,
    manifest: { name: "shown", debug: false, hostArguments: false },
  });
  expect(JSON.stringify(shown)).toContain("/data");
  expect(JSON.stringify(shown)).toContain("linear memory");
  expect(await mustRun([tools, "measure", image])).toBe(`${record.mrenclave}\n`);
});
