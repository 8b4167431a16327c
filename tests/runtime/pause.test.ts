// SPDX-License-Identifier: Apache-2.0
/** pause and resume, and what the other verbs do to a paused container. */
import { expect } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { shell } from "../support/bundle.ts";
import { eventually } from "../support/command.ts";
import { except, only, runtimeName, test } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const counting = shell("i=0; while :; do i=$((i+1)); echo $i >/tmp/count; done");

// covers: pause, resume
test("a paused container does nothing until it is resumed", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started(counting);
  const file = join(sandbox.bundle.rootfs, "tmp/count");
  const count = () => readFileSync(file, "utf8");
  await eventually("it counts", () => existsSync(file) && Number(count()) > 0);
  await sandbox.must(["pause", id]);
  expect((await sandbox.state(id)).status).toBe("paused");
  expect((await sandbox.must(["list"])).stdout).toContain(" paused ");
  const before = count();
  await Bun.sleep(100);
  expect(count()).toBe(before);
  await sandbox.must(["resume", id]);
  expect((await sandbox.state(id)).status).toBe("running");
  await eventually("it goes on", () => count() !== before);
});

except("crun", "1.8.1 resumes what runs")(
  "pause and resume in the wrong state are refused",
  async () => {
    await using sandbox = new Sandbox();
    const id = await sandbox.started();
    expect((await sandbox.call(["resume", id])).status).toBe(1);
    await sandbox.must(["pause", id]);
    expect((await sandbox.call(["pause", id])).status).toBe(1);
    await sandbox.must(["kill", id, "KILL"]);
    await sandbox.reaches(id, "stopped");
    for (const verb of ["pause", "resume"]) {
      const { status, stderr } = await sandbox.call([verb, id]);
      expect([verb, status]).toEqual([verb, 1]);
      expect(stderr).toMatch(/container not (running|paused)/);
    }
    for (const verb of ["pause", "resume"]) {
      expect((await sandbox.call([verb, sandbox.id()])).status).toBe(1);
    }
  },
);

except("crun", "1.8.1 says created of it")(
  "a created container can be paused; it is started once it goes on",
  async () => {
    await using sandbox = new Sandbox();
    const id = await sandbox.created();
    await sandbox.must(["pause", id]);
    expect((await sandbox.state(id)).status).toBe("paused");
    expect((await sandbox.call(["start", id])).status).toBe(1);
    await sandbox.must(["resume", id]);
    expect((await sandbox.state(id)).status).toBe("created");
    await sandbox.must(["start", id]);
    expect((await sandbox.state(id)).status).toBe("running");
  },
);

// covers: exec --ignore-paused
except("crun", "1.8.1 has no --ignore-paused")(
  "exec in a paused container is refused, unless told to",
  async () => {
    await using sandbox = new Sandbox();
    const id = await sandbox.started();
    await sandbox.must(["pause", id]);
    const { status, stderr } = await sandbox.call(["exec", id, "true"]);
    expect(status).toBe(255);
    expect(stderr).toContain("paused");
    using late = sandbox.begin(["exec", "--ignore-paused", id, "sh", "-c", "exit 7"]);
    await Bun.sleep(200);
    await sandbox.must(["resume", id]);
    expect(await late.exited()).toBe(7);
  },
);

test("signals wait in a paused container", async () => {
  await using sandbox = new Sandbox();
  const id = await trapping(sandbox, "TERM");
  await sandbox.must(["pause", id]);
  await sandbox.must(["kill", id, "TERM"]);
  await Bun.sleep(100);
  expect((await sandbox.state(id)).status).toBe("paused");
  await sandbox.must(["resume", id]);
  await sandbox.reaches(id, "stopped");
});

except("crun", "1.8.1 leaves it frozen")("SIGKILL ends a paused container", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started();
  await sandbox.must(["pause", id]);
  await sandbox.must(["kill", id, "9"]);
  await sandbox.reaches(id, "stopped");
});

test("delete of a paused container needs force, and is quick with it", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started();
  await sandbox.must(["pause", id]);
  expect((await sandbox.call(["delete", id])).status).toBe(1);
  expect((await sandbox.state(id)).status).toBe("paused");
  const before = performance.now();
  await sandbox.must(["delete", "--force", id]);
  expect(performance.now() - before).toBeLessThan(8000); // a frozen process would hold it for ten seconds
  await sandbox.expectNothingLeft();
});

const signalsAll = runtimeName === "rune" ? test : only("rune", "1.1.5 thaws it for any signal");

signalsAll("kill --all leaves a paused container paused", async () => {
  await using sandbox = new Sandbox();
  const id = await trapping(sandbox, "USR1");
  await sandbox.must(["pause", id]);
  await sandbox.must(["kill", "--all", id, "USR1"]);
  expect((await sandbox.state(id)).status).toBe("paused");
  await sandbox.must(["resume", id]);
  await sandbox.reaches(id, "stopped");
});

/** A container that ends at the signal; until its trap is set, init ignores it. */
async function trapping(sandbox: Sandbox, signal: string): Promise<string> {
  const script = `trap 'exit 3' ${signal}; touch /tmp/ready; while :; do sleep 0.1; done`;
  const id = await sandbox.started(shell(script));
  const ready = join(sandbox.bundle.rootfs, "tmp/ready");
  await eventually("its trap is set", () => existsSync(ready));
  return id;
}
