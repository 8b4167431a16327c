// SPDX-License-Identifier: Apache-2.0
/** What `npm start` shows, and that README.md shows the same. */
import { expect } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "../support/command.ts";
import { leftovers } from "../support/leftovers.ts";
import { needs, repository } from "../support/runtime.ts";

const obstacle = process.getuid?.() === 0 ? undefined : "needs root";

needs(obstacle)("the demo ends well, prints what the README says, and leaves nothing", async () => {
  const demo = await command(["sh", join(repository, "scripts/demo.sh")], {});
  expect(demo.status).toBe(0);
  const printed = withoutWhatDiffers(demo.stdout + demo.stderr);
  const missing = readmeBlock().filter((line) => !printed.includes(line));
  expect(missing).toEqual([]);
  // What was signed is what the verifier finds in the quote.
  const built = /^mrenclave +([0-9a-f]{64})$/m.exec(demo.stdout)?.[1];
  expect(demo.stdout).toContain(`ok     MRENCLAVE: ${built}`);
  // Read once before the restart and once after it; another enclave gets nothing.
  expect(demo.stdout.split("\n").filter((line) => line === "a-secret-of-the-service").length).toBe(
    2,
  );
  expect(demo.stdout).toContain("refused: check certificate `SIMULATION SGX PCK Certificate`");
  expect(readdirSync("/var/lib").filter((name) => name.startsWith("inclavare-demo-"))).toEqual([]);
  expect(leftovers("inclavare-demo-")).toEqual([]);
});

/** The lines of the README's example; "..." stands for lines left out. */
function readmeBlock(): string[] {
  const readme = readFileSync(join(repository, "README.md"), "utf8");
  const block = /```text test="[^"]*"\n(An enclave from source:[\s\S]*?)```/.exec(readme)?.[1];
  if (block === undefined) throw new Error("README.md has no example of the demo");
  return withoutWhatDiffers(block).filter((line) => line.trim() !== "..." && line !== "");
}

/** Times, identities that follow a key or a compiler, and an encrypted name. */
function withoutWhatDiffers(text: string): string[] {
  return text.split("\n").map((line) =>
    line
      .trimEnd()
      .replace(/time="[^"]*"/, "time")
      .replace(/mrsigner\s+[0-9a-f]{64}/, "mrsigner")
      .replace(/[0-9a-f]{64}/, "MRENCLAVE")
      .replace(/^[A-Za-z0-9_-]{27}$/, "NAME"),
  );
}
