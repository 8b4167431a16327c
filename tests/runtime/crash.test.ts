// SPDX-License-Identifier: Apache-2.0
/** rune killed at any moment: what it leaves, `delete --force` removes completely. */
import { expect } from "bun:test";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { only } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const rounds = 40;
const atomic = only("rune", "1.1.5 leaves cgroups behind that it does not know of any more");

/**
 * How long the command takes undisturbed, in ms: the delays are spread over it. The least of three:
 * the first of a kind takes longer.
 */
async function durationMs(sandbox: Sandbox, verb: readonly string[]): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 3; round++) {
    const id = sandbox.id();
    const start = performance.now();
    await sandbox.must([...verb, id]);
    least = Math.min(least, performance.now() - start);
    await sandbox.must(["delete", "--force", id]);
  }
  return least;
}

for (const [name, verb] of Object.entries({
  create: ["create"],
  "run --detach": ["run", "--detach"],
  run: ["run"],
})) {
  atomic(`${name}, killed at ${rounds} moments`, async () => {
    await using sandbox = new Sandbox();
    sandbox.configure({ process: { args: ["/bin/sleep", "1000"] } });
    const wholeMs = await durationMs(sandbox, name === "run" ? ["run", "--detach"] : verb);
    let interrupted = 0;
    for (let round = 0; round < rounds; round++) {
      const id = sandbox.id();
      using running = sandbox.begin([...verb, id]);
      await Bun.sleep((wholeMs * 1.2 * round) / rounds);
      running.kill("SIGKILL");
      if ((await running.exited()) === 137) interrupted++;
      const forced = await sandbox.call(["delete", "--force", id]);
      expect([forced.status, forced.stderr]).toEqual([0, ""]);
      expect(sandbox.containers()).toEqual([]);
    }
    expect(interrupted).toBeGreaterThan(rounds / 4);
    await sandbox.expectNothingLeft();
  });
}

atomic("delete, killed at any moment, can be repeated", async () => {
  await using sandbox = new Sandbox();
  sandbox.configure({ process: { args: ["/bin/sleep", "1000"] } });
  for (let round = 0; round < 15; round++) {
    const id = await sandbox.started();
    using running = sandbox.begin(["delete", "--force", id]);
    await Bun.sleep(round * 1.5);
    running.kill("SIGKILL");
    await running.exited();
    const again = await sandbox.call(["delete", "--force", id]);
    expect([again.status, again.stderr]).toEqual([0, ""]);
    expect(sandbox.containers()).toEqual([]);
  }
  await sandbox.expectNothingLeft();
});

atomic("start, killed at any moment, leaves a container that is created or running", async () => {
  await using sandbox = new Sandbox();
  for (let round = 0; round < 15; round++) {
    const id = await sandbox.created();
    using running = sandbox.begin(["start", id]);
    await Bun.sleep(round);
    running.kill("SIGKILL");
    await running.exited();
    expect(["created", "running"]).toContain((await sandbox.state(id)).status);
    await sandbox.must(["delete", "--force", id]);
  }
  await sandbox.expectNothingLeft();
});

atomic("an id whose maker died before it wrote anything", async () => {
  await using sandbox = new Sandbox();
  sandbox.configure();
  const id = sandbox.id();
  const directory = join(sandbox.stateRoot, id);
  mkdirSync(directory, { recursive: true });
  expect((await sandbox.call(["state", id])).status).toBe(1);
  expect((await sandbox.call(["create", id])).status).toBe(1);
  expect((await sandbox.call(["delete", id])).status).toBe(1);
  await sandbox.must(["delete", "--force", id]);
  expect(existsSync(directory)).toBe(false);
  await sandbox.must(["run", id]);
});
