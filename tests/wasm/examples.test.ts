// SPDX-License-Identifier: Apache-2.0
/** The examples, built as their README says and run in containers. */
import { expect } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, mustRun } from "../support/command.ts";
import { needs, repository } from "../support/runtime.ts";
import {
  clangObstacle,
  compileC,
  freePort,
  hostNetwork,
  WasmSandbox,
  Workshop,
  wasmObstacle,
} from "./support.ts";

const examples = join(repository, "examples/wasm");
const workshop = new Workshop();
const path = (name: string) => join(workshop.path, name);
const manifestOf = (name: string) => readFileSync(join(examples, name, "app.toml"), "utf8");
const rustObstacle = wasmObstacle ?? (Bun.which("rustc") === null ? "needs rustc" : undefined);

needs(clangObstacle)("hello says who it is", async () => {
  await using sandbox = new WasmSandbox();
  await compileC(join(examples, "hello/hello.c"), path("hello.wasm"));
  const image = await workshop.enclave(path("hello.wasm"), manifestOf("hello"));
  const { mrenclave } = JSON.parse(readFileSync(`${image}.json`, "utf8"));
  const { status, stdout } = await sandbox.runEnclave(image, ["tests"]);
  expect({ status, stdout }).toEqual({
    status: 0,
    stdout: `Hello tests from enclave ${mrenclave}\n`,
  });
});

needs(rustObstacle)("the batch job's result can be read by itself only", async () => {
  await using sandbox = new WasmSandbox();
  for (const name of ["input", "output"]) {
    mkdirSync(sandbox.file(name));
    chmodSync(sandbox.file(name), 0o777);
  }
  writeFileSync(sandbox.file("input", "text"), "one two Two\n");
  await mustRun([
    ...["rustc", "--target", "wasm32-wasi", "-C", "linker=wasm-ld", "-O"],
    ...["-o", path("batch.wasm"), join(examples, "batch/batch.rs")],
  ]);
  const image = await workshop.enclave(path("batch.wasm"), manifestOf("batch"));
  expect(await sandbox.runEnclave(image)).toMatchObject({ status: 0 });
  expect(readFileSync(sandbox.file("output", "result.sealed")).includes("two")).toBe(false);
  expect(await sandbox.runEnclave(image, ["show"])).toMatchObject({ stdout: "1 one\n2 two\n" });
  mkdirSync(path("other"));
  await mustRun(["cp", path("batch.wasm"), path("other/batch.wasm")]);
  const other = await workshop.enclave(
    path("other/batch.wasm"),
    `# other\n${manifestOf("batch").replace("batch", "other")}`,
  );
  const refused = await sandbox.runEnclave(other, ["show"]);
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain("errno 9");
});

needs(wasmObstacle)("the web service keeps its data over a restart, encrypted", async () => {
  await using sandbox = new WasmSandbox();
  const port = freePort();
  await mustRun(["sh", join(examples, "web/build.sh"), path("web.wasm")]);
  const manifest = manifestOf("web").replace("0.0.0.0:8080", `127.0.0.1:${port}`);
  const image = await workshop.enclave(path("web.wasm"), manifest);
  sandbox.configure(sandbox.configuration(image), hostNetwork);
  const ask = (target: string, init: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${port}${target}`, { ...init, keepalive: false });
  for (const round of [1, 2]) {
    const id = sandbox.id();
    await sandbox.must(["create", "--platform", "simulation", id]);
    await sandbox.must(["start", id]);
    const identity = await eventually("the service answers", () =>
      ask("/identity").then(
        (response) => response.text(),
        () => undefined,
      ),
    );
    expect(`${identity}`.trim()).toBe(JSON.parse(readFileSync(`${image}.json`, "utf8")).mrenclave);
    if (round === 1) {
      expect((await ask("/kv/name")).status).toBe(404);
      expect((await ask("/kv/name", { method: "PUT", body: "a secret" })).status).toBe(204);
    }
    expect(await (await ask("/kv/name")).text()).toBe("a secret");
    expect((await ask("/kv/..")).status).toBe(404);
    const evidence = await ask(`/attestation/${"ab".repeat(32)}`);
    expect(evidence.status).toBe(200);
    const quote = Buffer.from(await evidence.arrayBuffer());
    // A header of 48 bytes, then the report's body: MRENCLAVE at 64, REPORTDATA at 320.
    expect(quote.subarray(48 + 64, 48 + 96).toString("hex")).toBe(`${identity}`.trim());
    expect(quote.subarray(48 + 320, 48 + 352).toString("hex")).toBe("ab".repeat(32));
    expect((await ask("/attestation/short")).status).toBe(400);
    if (round === 2) {
      expect((await ask("/kv/name", { method: "DELETE" })).status).toBe(204);
      expect((await ask("/kv/name")).status).toBe(404);
    }
    await sandbox.must(["kill", id, "KILL"]);
    await sandbox.reaches(id, "stopped");
    await sandbox.must(["delete", id]);
  }
});
