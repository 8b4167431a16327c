// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { linux } from "../../kernel/linux.ts";
import { prepareEnclave } from "./prepare.ts";

let folder = "";
const lines: string[] = [];
const isRoot = process.geteuid?.() === 0;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "carrier-prepare-"));
  mkdirSync(join(folder, "bundle/rootfs"), { recursive: true });
  lines.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true }));

function prepare(env: readonly string[], nodeConfig = "", mounts: readonly string[] = []) {
  const config = {
    ociVersion: "1.0.2",
    process: { args: ["/hello"], cwd: "/run/rune", env, user: { uid: 0, gid: 0 } },
    root: { path: "rootfs" },
    mounts: mounts.map((destination) => ({ destination, type: "tmpfs", source: "tmpfs" })),
  };
  writeFileSync(join(folder, "bundle/config.json"), JSON.stringify(config));
  writeFileSync(join(folder, "config.toml"), nodeConfig, { mode: 0o644 });
  return prepareEnclave({
    kernel: linux,
    nodeConfig: join(folder, "config.toml"),
    libDir: "/none",
    bundle: join(folder, "bundle"),
    signal: new AbortController().signal,
    log: (level, message) => void lines.push(`${level}: ${message}`),
  });
}

test("a container without a carrier is left alone, whatever the node's configuration says", async () => {
  expect(await prepare(["PATH=/bin"], "no toml")).toBeUndefined();
  expect(await prepare(["RUNE_CARRIER="], "no toml")).toBeUndefined();
  expect(existsSync(join(folder, "bundle/rootfs/run"))).toBe(false);
});

test("what would hide the enclave is an error that names it", async () => {
  const hidden = (mount: string) => prepare(["RUNE_CARRIER=occlum"], "", [mount]);
  await expect(hidden("/run")).rejects.toThrow("`/run` is mounted over it");
  await expect(hidden("/run/rune/")).rejects.toThrow("`/run/rune/` is mounted over it");
  const config = '[enclave_runtime]\nsignature_method = "client"';
  if (isRoot)
    expect(await prepare(["RUNE_CARRIER=occlum"], config, ["/ru", "/run/run"])).toBeUndefined();
});

test.skipIf(!isRoot)(
  "signed images are not built, and warnings reach the log (needs root)",
  async () => {
    const config = '[epm]\n[enclave_runtime]\nsignature_method = "client"';
    expect(await prepare(["RUNE_CARRIER=occlum"], config)).toBeUndefined();
    expect(lines).toEqual(["warning: `[epm]` has no effect: there is no enclave pool"]);
    await expect(prepare(["RUNE_CARRIER=occlum"], "no toml")).rejects.toThrow("config.toml");
  },
);
