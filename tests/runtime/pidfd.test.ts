// SPDX-License-Identifier: Apache-2.0
/** `--pidfd-socket`: whoever listens gets a pidfd of the process. runc has it since 1.2. */
import { expect } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, Running } from "../support/command.ts";
import { listener } from "../support/probe.ts";
import { only } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const test = only("rune", "runc 1.1 has no --pidfd-socket");

async function waiting(socket: string): Promise<Running> {
  const running = new Running([await listener(), "pidfd", socket]);
  await eventually("somebody listens", () => existsSync(socket));
  return running;
}

for (const verb of ["create", "run --detach"]) {
  // covers: create --pidfd-socket, run --pidfd-socket
  test(`${verb}: a pidfd of the init, with which it can be killed`, async () => {
    await using sandbox = new Sandbox();
    const socket = join(sandbox.path, "pidfd");
    using other = await waiting(socket);
    const id = sandbox.id();
    sandbox.configure({ process: { args: ["/bin/sleep", "1000"] } });
    const file = join(sandbox.path, "pid");
    const flags = ["--pidfd-socket", socket, "--pid-file", file];
    await sandbox.must([...verb.split(" "), ...flags, id]);
    writeFileSync(`${socket}.kill`, "");
    expect(await other.result()).toMatchObject({
      status: 0,
      stdout: `standard ${readFileSync(file, "utf8")}\n`,
    });
    await sandbox.reaches(id, "stopped");
  });
}

// covers: exec --pidfd-socket
test("run in the foreground, and exec", async () => {
  await using sandbox = new Sandbox();
  const socket = join(sandbox.path, "pidfd");
  using first = await waiting(socket);
  sandbox.configure({ process: { args: ["/bin/sleep", "1000"] } });
  using running = sandbox.begin(["run", "--pidfd-socket", socket, sandbox.id()]);
  await eventually("the pidfd comes", () => /^standard \d+\n$/.test(first.stdout()));
  await eventually("it runs", async () => sandbox.containers().length === 1);
  writeFileSync(`${socket}.kill`, "");
  expect(await first.exited()).toBe(0);
  expect(await running.exited()).toBe(137);
  const id = await sandbox.started();
  const other = join(sandbox.path, "exec");
  using second = await waiting(other);
  const words = ["exec", "--detach", "--pidfd-socket", other, id, "/bin/sleep", "1000"];
  await sandbox.must(words);
  writeFileSync(`${other}.kill`, "");
  expect((await second.result()).stdout).toMatch(/^setns \d+\n$/);
  expect((await sandbox.state(id)).status).toBe("running");
});

test("without a listener nothing starts, and nothing is left", async () => {
  await using sandbox = new Sandbox();
  const socket = join(sandbox.path, "pidfd");
  sandbox.configure();
  for (const verb of [["create"], ["run"]]) {
    const failed = await sandbox.call([...verb, "--pidfd-socket", socket, sandbox.id()]);
    expect(failed.status).toBe(1);
    expect(failed.stderr).toContain(`pidfd socket \`${socket}\``);
    await sandbox.expectNothingLeft();
  }
});
