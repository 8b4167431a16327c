// SPDX-License-Identifier: Apache-2.0
/** `rune spec` against the runc that is installed: the same document but for what is listed here. */
import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultSpec, type SpecKind } from "../../src/oci/default-spec.ts";
import { removeTree } from "../support/remove.ts";
import { binaryOf } from "../support/runtime.ts";

const runc = Bun.which("runc");
const host = { unifiedCgroups: existsSync("/sys/fs/cgroup/cgroup.controllers") };

/** Where rune's document differs, and why that is right. */
const differences = {
  // The version rune implements; runc's own is the one it was built with.
  ociVersion: "1.3.0",
  // Both put their own name.
  hostname: "rune",
};

function runcSpec(...flags: string[]): Record<string, unknown> {
  const bundle = mkdtempSync(join(tmpdir(), "rune-spec-"));
  try {
    const child = Bun.spawnSync([runc ?? "", "spec", "--bundle", bundle, ...flags]);
    if (child.exitCode !== 0) throw new Error(child.stderr.toString());
    return JSON.parse(readFileSync(join(bundle, "config.json"), "utf8"));
  } finally {
    removeTree(bundle);
  }
}

function runeSpec(kind: SpecKind): unknown {
  return JSON.parse(JSON.stringify(defaultSpec(kind, host)));
}

const skip = runc === null;
const reason = skip ? " (skipped: runc is not installed)" : "";

// covers: spec
test.skipIf(skip)(`the default configuration is runc's${reason}`, () => {
  expect(runeSpec({ kind: "default" })).toEqual({ ...runcSpec(), ...differences });
});

// covers: spec --rootless
test.skipIf(skip)(`the rootless configuration is runc's${reason}`, () => {
  const [uid, gid] = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0];
  const expected = { ...runcSpec("--rootless"), ...differences };
  expect(runeSpec({ kind: "rootless", uid, gid })).toEqual(expected);
});

function written(...flags: string[]) {
  const { exitCode, stderr } = Bun.spawnSync([binaryOf("rune"), "spec", ...flags]);
  return { status: exitCode, stderr: stderr.toString() };
}

// covers: spec --bundle, spec --enclave
test("a document goes into the bundle that is named, and over none that is there", () => {
  const bundle = mkdtempSync(join(tmpdir(), "rune-spec-"));
  try {
    const file = join(bundle, "config.json");
    expect(written("--bundle", bundle)).toEqual({ status: 0, stderr: "" });
    const plain = readFileSync(file, "utf8");
    expect(JSON.parse(plain)).toEqual(runeSpec({ kind: "default" }));
    expect(JSON.parse(plain)).not.toHaveProperty("annotations");
    const again = written("--bundle", bundle, "--enclave");
    expect(again.status).toBe(1);
    expect(again.stderr).toContain("config.json");
    expect(readFileSync(file, "utf8")).toBe(plain);
    rmSync(file);
    expect(written("--bundle", bundle, "--enclave")).toEqual({ status: 0, stderr: "" });
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({
      annotations: {
        "enclave.type": "intelSgx",
        "enclave.runtime.path": expect.stringMatching(/^\/.*\.so$/),
      },
      process: { cwd: "/var/run/rune" },
    });
  } finally {
    removeTree(bundle);
  }
});
