// SPDX-License-Identifier: Apache-2.0
/** How programs in enclaves end: exit codes, traps, signals; and what their manifests forbid. */
import { expect } from "bun:test";
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/command.ts";
import { needs } from "../support/runtime.ts";
import { clangObstacle, WasmSandbox, Workshop } from "./support.ts";

const test = needs(clangObstacle);
const workshop = new Workshop();
const open = "[arguments]\nhost = true\n";
const checked = `${open}[memory]\nguard = "checks"\n`;

for (const code of [0, 1, 7, 126, 255]) {
  test(`exit code ${code} comes out as it went in`, async () => {
    await using sandbox = new WasmSandbox();
    const image = await workshop.program("traps", open);
    const { status, stderr } = await sandbox.runEnclave(image, ["-", `${code}`]);
    expect({ status, own: stderr.includes("wasm") }).toEqual({ status: code, own: false });
    await sandbox.expectNothingLeft();
  });
}

const traps = {
  load: "out of bounds memory or table access",
  store: "out of bounds memory or table access",
  divide: "integer divide by zero",
  convert: "integer overflow",
  unreachable: "unreachable",
  indirect: "indirect call of no such function, or of one of another type",
};

for (const [guard, manifest] of Object.entries({ pages: open, checks: checked })) {
  for (const [how, reason] of Object.entries(traps)) {
    test(`a trap by ${how} is reported and exits with 134, with guard ${guard}`, async () => {
      await using sandbox = new WasmSandbox();
      const image = await workshop.program("traps", manifest);
      const { status, stderr } = await sandbox.runEnclave(image, [how]);
      expect(status).toBe(134);
      expect(stderr).toContain(`wasm trap: ${reason}\n`);
    });
  }
}

/* docs/protocol/wasm-enclave.md, "Between the memory's size and what is loaded". */
test("an access beyond the memory's size is a trap, or one that growth forgets", async () => {
  await using sandbox = new WasmSandbox();
  const run = async (manifest: string) =>
    sandbox.runEnclave(await workshop.program("traps", manifest), ["beyond"]);
  expect(await run(`${open}[memory]\nsize = "4 MiB"\n`)).toMatchObject({ status: 0 });
  for (const memory of ['size = "4 MiB"\nguard = "checks"', 'size = "128 KiB"']) {
    const { status, stderr } = await run(`${open}[memory]\n${memory}\n`);
    expect(status).toBe(134);
    expect(stderr).toContain("wasm trap: out of bounds memory or table access\n");
  }
});

test("recursion without end is a trap", async () => {
  await using sandbox = new WasmSandbox();
  const { status, stderr } = await sandbox.runEnclave(await workshop.program("traps", open), [
    "recurse",
  ]);
  expect(status).toBe(134);
  // clang's own stack in linear memory, or the native one.
  expect(stderr).toMatch(
    /wasm trap: (out of bounds memory or table access|call stack exhausted)\n/,
  );
});

test("memory grows by EAUG, as far as the manifest says", async () => {
  await using sandbox = new WasmSandbox();
  const manifest = `${open}[memory]\nsize = "2 MiB"\ngrowth = "14 MiB"\n`;
  const image = await workshop.program("traps", manifest);
  const { status, stdout } = await sandbox.runEnclave(image, ["grow"]);
  expect(status).toBe(0);
  expect(Number(stdout.split(" ")[0])).toBeGreaterThan(12);
  expect(Number(stdout.split(" ")[0])).toBeLessThan(16);
});

test("memory that the host does not add is memory that cannot be had", async () => {
  await using sandbox = new WasmSandbox();
  const manifest = `${open}[memory]\nsize = "2 MiB"\ngrowth = "14 MiB"\n`;
  const bytes = readFileSync(await workshop.program("traps", manifest));
  // Dynamic segments, the last of them, are not measured: a host can leave them out, or cut them.
  const last = 128 + 40 * (bytes.readUInt32LE(12) - 1);
  expect(bytes.readUInt32LE(last + 32)).toBe(3);
  const changed = join(workshop.path, "no-growth.encl");
  for (const [size, most] of [
    [0, 2],
    [5 * 2 ** 20 + 4096, 7],
  ] as const) {
    const image = Buffer.from(bytes);
    if (size === 0) image.writeUInt32LE(bytes.readUInt32LE(12) - 1, 12);
    else image.writeBigUInt64LE(BigInt(size), last + 8);
    writeFileSync(changed, image);
    const { status, stdout, stderr } = await sandbox.runEnclave(changed, ["grow"]);
    expect({ status, trapped: stderr.includes("trap") }).toEqual({ status: 0, trapped: false });
    expect(Number(stdout.split(" ")[0])).toBeLessThan(most);
  }
});

test("the container's streams are the program's", async () => {
  await using sandbox = new WasmSandbox();
  sandbox.configure(sandbox.configuration(await workshop.program("traps", open), ["echo", "3"]));
  const words = ["run", "--platform", "simulation", sandbox.id()];
  const { status, stdout } = await sandbox.call(words, { stdin: "one\ntwo\n" });
  expect({ status, stdout }).toEqual({ status: 3, stdout: "> one\n> two\n" });
});

for (const how of ["loop", "wait"]) {
  for (const [signal, number] of [
    ["TERM", 15],
    ["KILL", 9],
  ] as const) {
    test(`SIG${signal} ends a program that ${how}s, with ${128 + number}`, async () => {
      await using sandbox = new WasmSandbox();
      const image = await workshop.program("traps", open);
      sandbox.configure(sandbox.configuration(image, [how]));
      const id = sandbox.id();
      const running = sandbox.begin(["run", "--platform", "simulation", id]);
      await sandbox.reaches(id, "running");
      await eventually("the program runs", () => running.stdout().includes("ing\n"));
      await sandbox.must(["kill", id, signal]);
      expect(await running.exited()).toBe(128 + number);
      await sandbox.expectNothingLeft();
    });
  }
}

test("exec runs another instance, and another enclave, beside the first", async () => {
  await using sandbox = new WasmSandbox();
  const image = await workshop.program("traps", open);
  const other = await workshop.program("traps", checked);
  sandbox.configure(sandbox.configuration(image, ["wait"]));
  copyFileSync(other, sandbox.file("other.encl"));
  const id = sandbox.id();
  await sandbox.must(["create", "--platform", "simulation", id]);
  await sandbox.must(["start", id]);
  const name = image.slice(image.lastIndexOf("/"));
  expect(await sandbox.call(["exec", id, name, "-", "5"])).toMatchObject({ status: 5 });
  const trapped = await sandbox.call(["exec", id, "/other.encl", "unreachable"]);
  expect(trapped.status).toBe(134);
  expect(trapped.stderr).toContain("wasm trap: unreachable");
  const missing = await sandbox.call(["exec", id, "/none.encl"]);
  expect(missing.status).not.toBe(0);
  await sandbox.must(["delete", "--force", id]);
});

test("what the manifest does not allow is refused inside", async () => {
  await using sandbox = new WasmSandbox();
  const image = await workshop.program("traps", 'name = "closed"\n');
  const refused = await sandbox.runEnclave(image, ["unreachable"]);
  expect(refused.status).toBe(126);
  expect(refused.stderr).toContain(
    "the manifest allows no arguments, and the first is: `unreachable`",
  );
  expect(await sandbox.runEnclave(image)).toMatchObject({ status: 0 });
  sandbox.configure(sandbox.configuration(image, [], "debug"));
  const debug = await sandbox.call(["run", "--platform", "simulation", sandbox.id()]);
  expect(debug.status).not.toBe(0);
  expect(debug.stderr).toContain("SGX_INVALID_ATTRIBUTE");
  const debuggable = await workshop.program("traps", "[enclave]\ndebug = true\n");
  sandbox.configure(sandbox.configuration(debuggable, [], "debug"));
  const allowed = await sandbox.call(["run", "--platform", "simulation", sandbox.id()]);
  expect(allowed.status).toBe(0);
});

test("one changed bit of an image, and a file that is none, are refused with the reason", async () => {
  await using sandbox = new WasmSandbox();
  const image = await workshop.program("traps", open);
  const bytes = readFileSync(image);
  bytes[12288] = (bytes[12288] ?? 0) ^ 1;
  const changed = join(workshop.path, "changed.encl");
  writeFileSync(changed, bytes);
  const refused = await sandbox.runEnclave(changed);
  expect(refused.status).not.toBe(0);
  expect(refused.stderr).toContain("SGX_INVALID_MEASUREMENT");
  writeFileSync(changed, "no image");
  const other = await sandbox.runEnclave(changed);
  expect(other.stderr).toContain("it is no enclave image");
  await sandbox.expectNothingLeft();
});

test("trusted files are compared, and others are not there", async () => {
  await using sandbox = new WasmSandbox();
  const digest = new Bun.CryptoHasher("sha256").update("trusted text").digest("hex");
  const manifest = `${open}[[directory]]\npath = "/data"\nmode = "trusted"\n[[directory.file]]\npath = "one"\nsha256 = "${digest}"\n`;
  const image = await workshop.program("files", manifest);
  writeFileSync(sandbox.file("data", "one"), "trusted text");
  writeFileSync(sandbox.file("data", "two"), "something else");
  const run = (...args: string[]) => sandbox.runEnclave(image, args);
  expect(await run("read", "/data/one")).toMatchObject({ status: 0, stdout: "trusted text" });
  expect((await run("read", "/data/two")).stdout).toBe("No such file or directory\n");
  expect((await run("list", "/data")).stdout).toBe("one\n");
  expect((await run("write", "/data/one", "x")).status).toBe(1);
  writeFileSync(sandbox.file("data", "one"), "TRUSTED text");
  const changed = await run("read", "/data/one");
  expect(changed.stdout).toBe("Bad message\n");
  expect(changed.stderr).toContain("the trusted file `one` is not the one that the manifest names");
});

test("protected files: the host sees neither names nor contents, and tampering is an error", async () => {
  await using sandbox = new WasmSandbox();
  const manifest = `${open}[[directory]]\npath = "/safe"\nmode = "protected"\n`;
  const image = await workshop.program("files", manifest);
  const run = (...args: string[]) => sandbox.runEnclave(image, args);
  expect(await run("write", "/safe/name", "secret text")).toMatchObject({ status: 0 });
  expect(await run("write", "/safe/other", "secret text")).toMatchObject({ status: 0 });
  expect(await run("read", "/safe/name")).toMatchObject({ status: 0, stdout: "secret text" });
  const files = readdirSync(sandbox.file("safe")).filter((name) => !name.startsWith("."));
  expect(files).toHaveLength(2);
  const [first = "", second = ""] = files;
  const content = (name: string) => readFileSync(sandbox.file("safe", name));
  for (const name of files) {
    expect(name).not.toMatch(/name|other/);
    expect(content(name).includes("secret")).toBe(false);
  }
  const one = content(first);
  const two = content(second);
  // Each byte that counts, a swap of two files, and an end that is cut off.
  for (const at of [0, 8, 16, 24, 60, one.length - 1]) {
    const damaged = Buffer.from(one);
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    writeFileSync(sandbox.file("safe", first), damaged);
    writeFileSync(sandbox.file("safe", second), damaged);
    expect((await run("read", "/safe/name")).stdout).toMatch(/^(Bad message|File too large)\n$/);
  }
  writeFileSync(sandbox.file("safe", first), two);
  writeFileSync(sandbox.file("safe", second), one);
  expect((await run("read", "/safe/name")).stdout).toBe("Bad message\n");
  writeFileSync(sandbox.file("safe", first), one.subarray(0, one.length - 1));
  writeFileSync(sandbox.file("safe", second), two.subarray(0, two.length - 1));
  expect((await run("read", "/safe/name")).stdout).toBe("Bad message\n");
  writeFileSync(sandbox.file("safe", "AAAA"), one);
  expect((await run("list", "/safe")).stdout).toBe("Bad message\n");
});

test("another enclave cannot open a protected directory; with a key by signer it can", async () => {
  await using sandbox = new WasmSandbox();
  const directory = (key: string, name: string) =>
    `name = "${name}"\n${open}[[directory]]\npath = "/safe"\nmode = "protected"\nkey = "${key}"\n`;
  const run = async (manifest: string, ...args: string[]) =>
    sandbox.runEnclave(await workshop.program("files", manifest), args);
  // The program opens nothing, and nothing is made for it or said about it.
  const unused = await run(directory("enclave", "a"));
  expect(unused.status).toBe(2);
  expect(unused.stderr).not.toContain("enclave:");
  expect(readdirSync(sandbox.file("safe"))).toEqual([]);
  expect(await run(directory("enclave", "a"), "write", "/safe/n", "mine")).toMatchObject({
    status: 0,
  });
  const useless = await run(directory("enclave", "b"));
  expect(useless.status).toBe(2);
  expect(useless.stderr).toContain("`.inclavare-protected` in the protected directory `/safe`");
  expect(useless.stderr).toContain("sealed by another enclave");
  const other = await run(directory("enclave", "b"), "read", "/safe/n");
  expect(other.stdout).toBe("Bad message\n");
  expect(other.stderr).toContain("sealed by another enclave");
  Bun.spawnSync(["rm", "-rf", sandbox.file("safe", ".inclavare-protected")]);
  for (const name of readdirSync(sandbox.file("safe")))
    Bun.spawnSync(["rm", sandbox.file("safe", name)]);
  expect(await run(directory("signer", "a"), "write", "/safe/n", "ours")).toMatchObject({
    status: 0,
  });
  expect(await run(directory("signer", "b"), "read", "/safe/n")).toMatchObject({ stdout: "ours" });
});

test("sealing, reports and identity by import", async () => {
  await using sandbox = new WasmSandbox();
  const image = await workshop.program("attest", `${open}[enclave]\nproduct = 3\nsvn = 4\n`);
  const { status, stdout } = await sandbox.runEnclave(image, ["seal"]);
  expect({ status, stdout }).toMatchObject({ status: 0 });
  const record = JSON.parse(readFileSync(`${image}.json`, "utf8"));
  expect(stdout).toContain(`identity ${record.mrenclave} 3 4\n`);
  expect(stdout).toContain(`report ${record.mrenclave}\n`);
  expect(stdout).toContain("sealed and unsealed\n");
  expect(existsSync(`${image}.json`)).toBe(true);
});
