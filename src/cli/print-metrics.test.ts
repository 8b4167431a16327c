// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { linux } from "../kernel/linux.ts";
import { replaceMetrics } from "./print-metrics.ts";

test("a link where the new file is written first is not followed, nor one in place of the old", () => {
  const folder = mkdtempSync(join(tmpdir(), "rune-metrics-"));
  try {
    const [victim, output] = [join(folder, "victim"), join(folder, "rune.prom")];
    writeFileSync(victim, "root's own");
    symlinkSync(victim, `${output}.${linux.pid()}`);
    symlinkSync(victim, output);
    replaceMetrics(linux, output, "a 1\n");
    expect(readFileSync(output, "utf8")).toBe("a 1\n");
    expect(readFileSync(victim, "utf8")).toBe("root's own");
    expect(readdirSync(folder).sort()).toEqual(["rune.prom", "victim"]);
    expect(() => replaceMetrics(linux, join(folder, "none/a.prom"), "")).toThrow("no such file");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
