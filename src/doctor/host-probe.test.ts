// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { linux } from "../kernel/linux.ts";
import { hostProbe } from "./host-probe.ts";

test("an image's fifos and devices are not opened, and its files are read", () => {
  const root = mkdtempSync(join(tmpdir(), "rune-probe-"));
  try {
    const at = (name: string) => join(root, name);
    Bun.spawnSync(["mkfifo", at("fifo")]);
    symlinkSync("/dev/null", at("device"));
    writeFileSync(at("file"), "text");
    const probe = (nodeConfig: string) =>
      hostProbe({ kernel: linux, environment: new Map(), nodeConfig: at(nodeConfig) });
    const { text } = probe("none");
    expect([text(at("file")), text(at("none")), text(at("file/x"))]).toEqual([
      "text",
      undefined,
      undefined,
    ]);
    expect(text("/proc/sys/kernel/osrelease")).toMatch(/^\d+\./);
    for (const name of ["fifo", "device"]) {
      expect(() => text(at(name))).toThrow("it is no regular file");
      // A fifo without a writer would be waited for.
      expect(() => probe(name).nodeConfig()).toThrow("it is no regular file");
    }
  } finally {
    rmSync(root, { recursive: true });
  }
});
