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
  const measured = /^([0-9a-f]{64})$/m.exec(demo.stdout)?.[1];
  // What was measured before is what the enclave says of itself.
  expect(`${demo.stdout}${demo.stderr}`).toContain(`skeleton: mrenclave ${measured}`);
  expect(readdirSync("/var/lib").filter((name) => name.startsWith("inclavare-demo-"))).toEqual([]);
  expect(leftovers("inclavare-demo-")).toEqual([]);
});

/** The lines of the README's example; "..." stands for lines left out. */
function readmeBlock(): string[] {
  const readme = readFileSync(join(repository, "README.md"), "utf8");
  const block = /```text test="[^"]*"\n(A bundle:[\s\S]*?)```/.exec(readme)?.[1];
  if (block === undefined) throw new Error("README.md has no example of the demo");
  return withoutWhatDiffers(block).filter((line) => line.trim() !== "..." && line !== "");
}

/** Times, and the identity of a key that every build makes anew. */
function withoutWhatDiffers(text: string): string[] {
  return text.split("\n").map((line) =>
    line
      .trimEnd()
      .replace(/time="[^"]*"/, "time")
      .replace(/mrsigner\s+[0-9a-f]{64}/, "mrsigner")
      .replace(/[0-9a-f]{64}/, "MRENCLAVE"),
  );
}
