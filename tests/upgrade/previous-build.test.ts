// SPDX-License-Identifier: Apache-2.0
/**
 * Containers that an older commit's build has made, under this one: the commit before the last one of the
 * main line, or what UPGRADE_FROM names. UPGRADE_BIN is a bin/ that has been built already.
 */
import { afterAll, beforeAll, expect } from "bun:test";
import { mkdtempSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CommandResult, command, mustRun } from "../support/command.ts";
import { removeTree } from "../support/remove.ts";
import { needs, only, repository } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const given = process.env["UPGRADE_BIN"];
const runnable = process.env["CONFORMANCE"] === "1" || given !== undefined;
const test = runnable
  ? only("rune", "the older build is rune's")
  : needs("with --conformance only: an older commit is built first");
const waits = { process: { args: ["/bin/sleep", "1000"] } };

let scratch: string | undefined;
let older = given === undefined ? "" : join(given, "rune");

beforeAll(async () => {
  if (!runnable || given !== undefined) return;
  scratch = mkdtempSync(join(tmpdir(), "rune-test-upgrade-"));
  const tree = join(scratch, "tree");
  const commit = process.env["UPGRADE_FROM"] ?? (await previousCommit());
  // A clone, not a worktree, which would be written down in the repository.
  await mustRun(["git", "clone", "--quiet", "--no-checkout", repository, tree]);
  await mustRun(["git", "-C", tree, "checkout", "--quiet", "--detach", commit]);
  symlinkSync(join(repository, "node_modules"), join(tree, "node_modules"));
  await mustRun(["sh", join(tree, "scripts/build.sh")]);
  older = join(tree, "dist/bin/rune");
}, 1_800_000);
afterAll(() => {
  if (scratch !== undefined) removeTree(scratch);
});

async function previousCommit(): Promise<string> {
  const list = ["git", "-C", repository, "rev-list", "--first-parent", "--max-count=2", "HEAD"];
  return (await mustRun(list)).trim().split("\n").at(-1) ?? "HEAD";
}

/** A call of the older build, with the sandbox's state. */
function before(sandbox: Sandbox, ...words: string[]): Promise<CommandResult> {
  return command([older, "--root", sandbox.stateRoot, ...words]);
}

test("a running container of the older build is read, entered, paused, ended and removed", async () => {
  await using sandbox = new Sandbox();
  const id = sandbox.id();
  sandbox.configure(waits);
  const made = await before(sandbox, "run", "--detach", "--bundle", sandbox.bundle.path, id);
  expect([made.status, made.stderr]).toEqual([0, ""]);
  expect((await sandbox.state(id)).status).toBe("running");
  expect((await sandbox.must(["list", "--quiet"])).stdout).toContain(id);
  expect((await sandbox.must(["exec", id, "/bin/echo", "inside"])).stdout).toBe("inside\n");
  await sandbox.must(["pause", id]);
  await sandbox.must(["resume", id]);
  await sandbox.must(["kill", id, "KILL"]);
  await sandbox.reaches(id, "stopped");
  await sandbox.must(["delete", id]);
  await sandbox.expectNothingLeft();
});

test("a created container of the older build is started by this one", async () => {
  await using sandbox = new Sandbox();
  const id = sandbox.id();
  sandbox.configure(waits);
  expect((await before(sandbox, "create", "--bundle", sandbox.bundle.path, id)).status).toBe(0);
  await sandbox.must(["start", id]);
  await sandbox.reaches(id, "running");
  await sandbox.must(["delete", "--force", id]);
  await sandbox.expectNothingLeft();
});

test("and the way back: a container of this build under the older one of the same schema", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started(waits);
  expect((await before(sandbox, "exec", id, "/bin/echo", "inside")).stdout).toBe("inside\n");
  expect((await before(sandbox, "kill", id, "KILL")).status).toBe(0);
  await sandbox.reaches(id, "stopped");
  expect((await before(sandbox, "delete", id)).status).toBe(0);
  await sandbox.expectNothingLeft();
});
