// SPDX-License-Identifier: Apache-2.0
/** kill --all, and SIGKILL where processes outlive the container's init. */
import { expect } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { defaultNamespaces, type JsonObject, shell } from "../support/bundle.ts";
import { eventually } from "../support/command.ts";
import { processes } from "../support/leftovers.ts";
import { except, test } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

/** A container whose processes go on when its init ends. */
const sharedPids: JsonObject = {
  linux: { namespaces: defaultNamespaces.filter((t) => t !== "pid").map((type) => ({ type })) },
};
const family = shell("sleep 1000 & sleep 1000 & touch /tmp/ready; wait");

/** How many processes the container has: not asked of the runtime, crun 1.8.1's `ps` dies of some. */
function count(sandbox: Sandbox): number {
  return processes(sandbox.mark).length;
}

async function startedFamily(sandbox: Sandbox, ...changes: JsonObject[]): Promise<string> {
  rmSync(join(sandbox.bundle.rootfs, "tmp/ready"), { force: true });
  const id = await sandbox.started(...changes, family);
  await eventually("three processes", () => count(sandbox) === 3);
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
  await eventually("nobody is left", () => count(sandbox) === 0);
});

test("processes that outlive init are reached too", async () => {
  await using sandbox = new Sandbox();
  const id = await startedFamily(sandbox, sharedPids);
  const { pid } = await sandbox.state(id);
  process.kill(pid, "SIGKILL");
  await sandbox.reaches(id, "stopped");
  expect(count(sandbox)).toBe(2);
  expect((await sandbox.call(["kill", id, "TERM"])).status).toBe(1);
  expect(count(sandbox)).toBe(2);
  await sandbox.must(["kill", "--all", id, "9"]);
  await eventually("nobody is left", () => count(sandbox) === 0);
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
  ]) {
    await sandbox.must(["kill", id, signal ?? ""]);
    expected += `${name}\n`;
    await eventually(`${signal} arrived`, async () => (await text()) === expected);
  }
});

except("crun", "1.8.1 takes some of them for 0")("what is no signal is refused", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started();
  for (const signal of ["NOSUCH", "65", "-1", "SIG"]) {
    expect((await sandbox.call(["kill", id, signal])).status).toBe(1);
  }
});

except("crun", "1.8.1 takes it for 0")("a signal's name in lower case", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started(
    shell('trap "exit 3" USR1; touch /tmp/ready; while :; do sleep 0.01; done'),
  );
  await eventually("it is ready", () =>
    Bun.file(join(sandbox.bundle.rootfs, "tmp/ready")).exists(),
  );
  await sandbox.must(["kill", id, "usr1"]);
  await sandbox.reaches(id, "stopped");
});
