// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unifiedDiff } from "./diff.ts";

const cases: readonly (readonly [string, string])[] = [
  ["", "a\nb\n"],
  ["a\nb\n", ""],
  ["1\n2\n3\n4\n5\n6\n7\n8\n", "1\n2\n3\n4\nx\n5\n6\n7\n8\n"],
  ["a\nb", "a\nb\nc\n"],
  ["a\n", "a\nb"],
  ["a\na\n", "a\na\na\n"],
  ["a\nb\nc\n", "x\nb\ny\n"],
];

test("patch(1) makes the one of the other with it, where there is a patch(1)", () => {
  const patch = Bun.which("patch");
  const folder = mkdtempSync(join(tmpdir(), "rune-diff-"));
  try {
    for (const [before, after] of cases) {
      const diff = unifiedDiff("f", before, after);
      expect(diff).toStartWith("--- f\n+++ f\n@@ -");
      if (patch === null) continue;
      const file = join(folder, "f");
      writeFileSync(file, before);
      writeFileSync(join(folder, "diff"), diff);
      const argv = [patch, "--silent", file, join(folder, "diff"), "-o", join(folder, "out")];
      expect(Bun.spawnSync(argv).exitCode).toBe(0);
      const out = Bun.spawnSync(["cat", join(folder, "out")]).stdout.toString();
      expect(out).toBe(after);
      rmSync(join(folder, "out"), { force: true });
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("nothing for nothing; three lines around a change", () => {
  expect(unifiedDiff("f", "a\n", "a\n")).toBe("");
  const [before = "", after = ""] = cases[2] ?? [];
  expect(unifiedDiff("f", before, after)).toBe(
    "--- f\n+++ f\n@@ -2,6 +2,7 @@\n 2\n 3\n 4\n+x\n 5\n 6\n 7\n",
  );
});
