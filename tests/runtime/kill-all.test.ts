// SPDX-License-Identifier: Apache-2.0
/** kill --all, and SIGKILL where processes outlive the container's init. */
import { expect } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { defaultNamespaces, type JsonObject, shell } from "../support/bundle.ts";
import { eventually } from "../support/command.ts";
import { processes } from "../support/leftovers.ts";
import { test } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

/** A container whose processes go on when its init ends. */
const sharedPids: JsonObject = {
  linux: { namespaces: defaultNamespaces.filter((t) => t !== "pid").map((type) => ({ type })) },
};
const family = shell("sleep 1000 & sleep 1000 & touch /tmp/ready; wait");

/** How many processes the container's cgroup has. */
async function count(sandbox: Sandbox, id: string): Promise<number> {
  const { stdout } = await sandbox.must(["ps", "--format", "json", id]);
  return (JSON.parse(stdout) ?? []).length;
}

async function startedFamily(sandbox: Sandbox, ...changes: JsonObject[]): Promise<string> {
  rmSync(join(sandbox.bundle.rootfs, "tmp/ready"), { force: true });
  const id = await sandbox.started(...changes, family);
  await eventually("three processes", async () => (await count(sandbox, id)) === 3);
  return id;
}

// covers: kill --all
test("the signal reaches every process", async () => {
  await using sandbox = new Sandbox();
  const id = await startedFamily(sandbox);
  await sandbox.must(["kill", "--all", id, "0"]);
  await sandbox.must(["kill", "-a", id, "SIGTERM"]); // the shell has init's immunity, sleep has not
  await sandbox.reaches(id, "stopped"); // as its children have ended
});

test("SIGKILL for all ends a container that shares the host's pids", async () => {
  await using sandbox = new Sandbox();
  const id = await startedFamily(sandbox, sharedPids);
  await sandbox.must(["kill", "--all", id, "KILL"]);
  await sandbox.reaches(id, "stopped");
  await eventually("nobody is left", async () => (await count(sandbox, id)) === 0);
});

test("processes that outlive init are reached too", async () => {
  await using sandbox = new Sandbox();
  const id = await startedFamily(sandbox, sharedPids);
  const { pid } = await sandbox.state(id);
  process.kill(pid, "SIGKILL");
  await sandbox.reaches(id, "stopped");
  expect(await count(sandbox, id)).toBe(2);
  expect((await sandbox.call(["kill", id, "TERM"])).status).toBe(1);
  expect(await count(sandbox, id)).toBe(2);
  await sandbox.must(["kill", "--all", id, "9"]);
  await eventually("nobody is left", async () => (await count(sandbox, id)) === 0);
  await sandbox.must(["kill", "--all", id, "9"]); // of nobody is no error
});

test("delete ends what outlives init", async () => {
  await using sandbox = new Sandbox();
  const id = await startedFamily(sandbox, sharedPids);
  process.kill((await sandbox.state(id)).pid, "SIGKILL");
  await sandbox.reaches(id, "stopped");
  await sandbox.must(["delete", id]);
  await sandbox.expectNothingLeft();
  expect(processes(sandbox.mark)).toEqual([]);
});

test("a signal by number, name and name with SIG", async () => {
  await using sandbox = new Sandbox();
  const trap = 'for s in USR1 USR2 HUP; do trap "echo $s >>/tmp/got" $s; done';
  const id = await sandbox.started(shell(`${trap}; touch /tmp/got; while :; do sleep 0.01; done`));
  const got = join(sandbox.bundle.rootfs, "tmp/got");
  const text = () => Bun.file(got).text();
  await eventually("it is ready", () => Bun.file(got).exists());
  let expected = "";
  for (const [signal, name] of [
    ["10", "USR1"],
    ["USR2", "USR2"],
    ["SIGHUP", "HUP"],
    ["usr1", "USR1"],
  ]) {
    await sandbox.must(["kill", id, signal ?? ""]);
    expected += `${name}\n`;
    await eventually(`${signal} arrived`, async () => (await text()) === expected);
  }
  for (const signal of ["NOSUCH", "65", "-1", "SIG"]) {
    expect((await sandbox.call(["kill", id, signal])).status).toBe(1);
  }
});
