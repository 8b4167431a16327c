// SPDX-License-Identifier: Apache-2.0
/** Enclaves of images with a WebAssembly program: built by the real tools, signed by the server. */
import { expect, setDefaultTimeout } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { toHex } from "../../src/sgx/bytes.ts";
import { parseSigstruct } from "../../src/sgx/sigstruct.ts";
import { verifySigstruct } from "../../src/sgx/verify.ts";
import { measureImage, parseImage } from "../../src/wasm/image.ts";
import { mustRun } from "../support/command.ts";
import { needs } from "../support/runtime.ts";
import { wasmObstacle } from "../wasm/support.ts";
import { Bench, refusal } from "./support.ts";

setDefaultTimeout(120_000);

const test = needs(wasmObstacle);
const pod = { carrier: "wasm", cwd: "/app", args: ["app.encl"] };

/** `(module (func (export "_start")) (memory (export "memory") 1))`, and a different one with a name. */
const program = (name = "") =>
  Buffer.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...[1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 5, 3, 1, 0, 1],
    ...[7, 19, 2, 6, ...Buffer.from("_start"), 0, 0, 6, ...Buffer.from("memory"), 2, 0],
    ...[10, 4, 1, 2, 0, 0x0b],
    ...(name === "" ? [] : [0, name.length + 1, name.length, ...Buffer.from(name)]),
  ]);

function image(bench: Bench, wasm: Uint8Array, manifest?: string): string {
  const root = bench.image({ "etc/passwd": "nobody" });
  mkdirSync(`${root}/app`);
  writeFileSync(`${root}/app/app.wasm`, wasm);
  if (manifest !== undefined) writeFileSync(`${root}/app/app.toml`, manifest);
  return root;
}

test("built once, signed by the server, put beside the program", async () => {
  await using bench = new Bench();
  const builds = await bench.builds();
  const root = image(bench, program(), 'name = "first"\n');
  expect(await bench.run(builds, root, pod)).toEqual({
    ENCLAVE_TYPE: "intelSgx",
    ENCLAVE_RUNTIME_PATH: expect.stringContaining("/liberpal-wasm.so"),
  });
  expect(readdirSync(`${root}/app`).sort()).toEqual(
    [".inclavare-carrier", "app.encl", "app.encl.json", "app.toml", "app.wasm"].sort(),
  );
  const built = parseImage(new Uint8Array(readFileSync(`${root}/app/app.encl`)));
  if (built.sigstruct === undefined) throw new Error("it is not signed");
  verifySigstruct(built.sigstruct);
  const measured = measureImage(built);
  expect(toHex(parseSigstruct(built.sigstruct).enclaveHash)).toBe(toHex(measured));
  expect(JSON.parse(readFileSync(`${root}/app/app.encl.json`, "utf8")).mrenclave).toBe(
    toHex(measured),
  );
  expect(JSON.parse(readFileSync(bench.path("audit"), "utf8")).result).toBe("signed");

  // The same in another image, by another path: nothing is built, and the same bytes come.
  const other = image(bench, program(), 'name = "first"\n');
  await bench.run(builds, other, { ...pod, args: ["/app/app.encl", "an argument"] });
  expect(bench.lines.filter((line) => line.includes("building in")).length).toBe(1);
  expect(readFileSync(`${other}/app/app.encl`)).toEqual(readFileSync(`${root}/app/app.encl`));
  expect(bench.unfinished()).toEqual([]);
});

test("another program or manifest is another enclave; one that is there is kept", async () => {
  await using bench = new Bench();
  const builds = await bench.builds();
  const measured = async (root: string) => {
    await bench.run(builds, root, pod);
    return toHex(measureImage(parseImage(new Uint8Array(readFileSync(`${root}/app/app.encl`)))));
  };
  const root = image(bench, program());
  const first = await measured(root);
  writeFileSync(`${root}/app/app.toml`, 'name = "second"\n');
  const second = await measured(root);
  expect(second).not.toBe(first);
  expect(bench.lines.filter((line) => line.includes("building in")).length).toBe(2);

  const own = image(bench, program());
  writeFileSync(`${own}/app/app.encl`, "the image's");
  await bench.run(builds, own, pod);
  expect(readFileSync(`${own}/app/app.encl`, "utf8")).toBe("the image's");
  expect(bench.lines.at(-1)).toContain("the image has a signed enclave");
});

test("what cannot be built is said, and nothing stays", async () => {
  await using bench = new Bench();
  const builds = await bench.builds();
  const root = image(bench, program());
  const run = (changes: object = {}) => refusal(bench.run(builds, root, { ...pod, ...changes }));
  expect(await run({ args: ["/bin/sh"] })).toContain(
    "it is `/bin/sh` instead of the enclave `/app/app.encl`",
  );
  writeFileSync(`${root}/app/app.toml`, "unknown = 1\n");
  expect(await run()).toContain("unknown");
  rmSync(`${root}/app/app.toml`);
  await mustRun(["mkfifo", `${root}/app/app.toml`]);
  expect(await run()).toContain("it is no regular file");
  rmSync(`${root}/app/app.toml`);
  writeFileSync(`${root}/app/app.wasm`, "no module");
  expect(await run()).toContain("CARRIER");
  rmSync(`${root}/app/app.wasm`);
  expect(await run()).toContain("read `/app/app.wasm` in the image: it is not there");
  expect(readdirSync(`${root}/app`)).toEqual([]);
  expect(readdirSync(bench.path("cache/built"))).toEqual([]);
  expect(bench.unfinished()).toEqual([]);
});
