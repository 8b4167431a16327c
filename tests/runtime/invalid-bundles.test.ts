// SPDX-License-Identifier: Apache-2.0
/**
 * A museum of malformed bundles: each is refused with one error, and nothing is left. What the
 * parser says of each is tested beside it (src/oci/parse-config.test.ts); this is about all of rune.
 */
import { expect } from "bun:test";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { configWith, type Json, type JsonObject, moreMounts } from "../support/bundle.ts";
import { mustRun } from "../support/command.ts";
import { except, only, runtimeName, test } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const texts: Readonly<Record<string, string>> = {
  "an empty file": "",
  "white space": " \n\t",
  "no JSON": "this is not JSON",
  "half a document": JSON.stringify(configWith()).slice(0, 200),
  "two documents": "{}{}",
  "a comma too many": '{"ociVersion":"1.0.2",}',
  "a list": "[]",
  null: "null",
  "a number": "1",
  "an empty object": "{}",
  "bytes that are no text": "\u0000\u0001\ufffd",
  "a very deep document": `${"[".repeat(100_000)}${"]".repeat(100_000)}`,
};

const faults: Readonly<Record<string, JsonObject>> = {
  "no process": { process: null },
  "no arguments": { process: { args: [] } },
  "arguments that are no list": { process: { args: "/bin/true" } },
  "arguments of another type": { process: { args: [1, 2] } },
  "no root": { root: null },
  "a root that does not exist": { root: { path: "no-such-root" } },
  "a root that is a file": { root: { path: "config.json" } },
  "a negative uid": { process: { user: { uid: -1, gid: 0 } } },
  "a uid of 33 bits": { process: { user: { uid: 4294967296, gid: 0 } } },
  "a uid that is a text": { process: { user: { uid: "0", gid: 0 } } },
  "a namespace of an unknown type": { linux: { namespaces: [{ type: "disk" }] } },
  "a namespace given twice": {
    linux: { namespaces: [{ type: "mount" }, { type: "pid" }, { type: "pid" }] },
  },
  "mounts that are no list": { mounts: { destination: "/mnt" } },
};

/** What runc accepts, and rune does not: a NUL cannot reach the kernel, a typo should not go by. */
const stricter: Readonly<Record<string, JsonObject>> = {
  "a version that is none": { ociVersion: "one" },
  "another major version": { ociVersion: "2.0.0" },
  "an argument with NUL": { process: { args: ["/bin/echo", "a\u0000b"] } },
  "a variable with NUL": { process: { env: ["A=a\u0000b"] } },
  "a path with NUL": { root: { path: "rootfs\u0000x" } },
  "a mount without destination": { mounts: [{ type: "tmpfs", source: "tmpfs" }] },
  "propagation that is unknown": { linux: { rootfsPropagation: "sideways" } },
};

for (const [what, text] of Object.entries(texts)) {
  test(`config.json: ${what}`, () => refused(text));
}

const lax = ["arguments that are no list", "a uid that is a text"];
for (const [what, change] of Object.entries(faults)) {
  const judged = lax.includes(what) ? except("crun", "1.8.1 runs it") : test;
  judged(`config.json: ${what}`, () => refused(configWith(change)));
}

for (const [what, change] of Object.entries(stricter)) {
  only("rune", "not checked")(`config.json: ${what}`, () => refused(configWith(change)));
}

/** Faults, and what of the configuration the error has to name. */
const named: Readonly<Record<string, JsonObject>> = {
  "process.args": { process: { args: [] } },
  ociVersion: { ociVersion: "9.0" },
  nowhere: { root: { path: "nowhere" } },
  "namespace of type `mount`": { linux: { namespaces: [{ type: "uts" }] } },
  "whole host": { linux: { sysctl: { "kernel.panic": "1" } } },
  nosuchfs: moreMounts({ destination: "/x", type: "nosuchfs", source: "x" }),
  "/no/such": moreMounts({ destination: "/x", type: "bind", source: "/no/such" }),
  "size=zzz": moreMounts({
    destination: "/x",
    type: "tmpfs",
    source: "t",
    options: ["size=zzz"],
  }),
  hostname: { hostname: "x".repeat(100) },
};

for (const [subject, change] of Object.entries(named)) {
  // covers: ociVersion
  only("rune", "its words are its own")(`the error names ${subject}`, async () => {
    await using sandbox = new Sandbox();
    const { status, stderr } = await sandbox.run(change);
    expect(status).toBe(1);
    expect(stderr).toContain(subject);
    expect(stderr.match(/level=error/g)).toHaveLength(1);
    await sandbox.expectNothingLeft();
  });
}

test("a bundle without config.json", async () => {
  await using sandbox = new Sandbox();
  await expectRefusal(sandbox);
});

test("a bundle that does not exist", async () => {
  await using sandbox = new Sandbox();
  await expectRefusal(sandbox, "--bundle", join(sandbox.path, "nowhere"));
});

test("a bundle that is a file", async () => {
  await using sandbox = new Sandbox();
  writeFileSync(join(sandbox.path, "file"), "{}");
  await expectRefusal(sandbox, "--bundle", join(sandbox.path, "file"));
});

test("a config.json that is a directory", async () => {
  await using sandbox = new Sandbox();
  mkdirSync(join(sandbox.bundle.path, "config.json"));
  await expectRefusal(sandbox);
});

test("a config.json that is a link to itself", async () => {
  await using sandbox = new Sandbox();
  symlinkSync("config.json", join(sandbox.bundle.path, "config.json"));
  await expectRefusal(sandbox);
});

only("rune", "it waits for somebody to write")("a config.json that is a fifo", async () => {
  await using sandbox = new Sandbox();
  await mustRun(["mkfifo", join(sandbox.bundle.path, "config.json")]);
  await expectRefusal(sandbox);
});

only("rune", "it reads all of it")("a config.json without end", async () => {
  await using sandbox = new Sandbox();
  symlinkSync("/dev/zero", join(sandbox.bundle.path, "config.json"));
  await expectRefusal(sandbox);
});

test("an empty root", async () => {
  await using sandbox = new Sandbox();
  rmSync(sandbox.bundle.rootfs, { recursive: true });
  mkdirSync(sandbox.bundle.rootfs);
  sandbox.configure();
  await expectRefusal(sandbox);
});

async function refused(config: Json | string): Promise<void> {
  await using sandbox = new Sandbox();
  sandbox.configureExactly(config);
  await expectRefusal(sandbox);
}

async function expectRefusal(sandbox: Sandbox, ...flags: string[]): Promise<void> {
  for (const verb of ["create", "run"]) {
    const { status, stdout, stderr } = await sandbox.call([verb, ...flags, sandbox.id()]);
    expect(stdout).toBe("");
    expect(status).toBe(runtimeName === "runc" && stderr.includes("panic") ? 2 : 1);
    expect(stderr).not.toBe("");
    if (runtimeName === "rune") {
      expect(stderr.match(/level=error/g)).toHaveLength(1);
      expect(stderr).not.toMatch(/undefined|\[object|TypeError|ReferenceError|at .*\.(ts|js):/);
    }
  }
  expect(sandbox.containers()).toEqual([]);
  await sandbox.expectNothingLeft();
}

// covers: annotations
test("annotations and properties that nobody knows are no reason to refuse", async () => {
  await using sandbox = new Sandbox();
  const unknown = { "org.example.unheard-of": "", unheard: { of: [1, null, {}] } };
  expect(
    await sandbox.output(
      { annotations: { "org.example.unheard-of": "", "com.example": "x" }, ...unknown },
      { process: unknown, linux: { resources: unknown, ...unknown } },
      { process: { args: ["/bin/echo", "well"] } },
    ),
  ).toBe("well");
});
