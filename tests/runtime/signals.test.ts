// SPDX-License-Identifier: Apache-2.0
/** Signals: what the caller left ignored or blocked, and what a foreground run passes on. */
import { expect } from "bun:test";
import { shell } from "../support/bundle.ts";
import { command, eventually } from "../support/command.ts";
import { probe } from "../support/probe.ts";
import { except, only, test } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const sigStatus = { process: { args: ["/bin/grep", "^Sig[BI]", "/proc/self/status"] } };
const clean = "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n";

const masks = only("rune", "1.1.5 passes the caller's mask on");

masks("dispositions and masks of the caller are not the payload's", async () => {
  await using sandbox = new Sandbox();
  sandbox.configure(sigStatus);
  const argv = [await probe(), "dirty", ...sandbox.argv("run", sandbox.id())];
  const { stdout } = await command(argv, { cwd: sandbox.bundle.path });
  expect(stdout).toBe(clean);
});

masks("nor are they those of a created container", async () => {
  await using sandbox = new Sandbox();
  sandbox.configure({ process: { args: ["/bin/sleep", "1000"] } });
  const id = sandbox.id();
  await command([await probe(), "dirty", ...sandbox.argv("create", id)], {
    cwd: sandbox.bundle.path,
  });
  await sandbox.must(["start", id]);
  const { pid } = await sandbox.reaches(id, "running");
  await eventually("the payload runs", async () =>
    (await Bun.file(`/proc/${pid}/cmdline`).text()).includes("sleep"),
  );
  const status = await Bun.file(`/proc/${pid}/status`).text();
  for (const line of clean.trim().split("\n")) expect(status).toContain(line);
});

masks("nor of exec", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started();
  const exec = sandbox.argv("exec", id, "/bin/grep", "^Sig[BI]", "/proc/self/status");
  const { stdout } = await command([await probe(), "dirty", ...exec]);
  expect(stdout).toBe(clean);
});

for (const signal of ["SIGTERM", "SIGINT", "SIGUSR1", "SIGHUP", "SIGQUIT"] as const) {
  test(`${signal} to a foreground run reaches the payload`, async () => {
    await using sandbox = new Sandbox();
    const name = signal.slice(3);
    sandbox.configure(
      shell(`trap 'echo got ${name}; exit 9' ${name}; echo up; while :; do sleep 0.1; done`),
    );
    using running = sandbox.begin(["run", sandbox.id()]);
    await eventually("the payload is up", () => running.stdout() === "up\n");
    running.kill(signal);
    expect(await running.exited()).toBe(9);
    expect(running.stdout()).toBe(`up\ngot ${name}\n`);
  });
}

test("a signal to a foreground exec reaches its program", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started();
  const script = "trap 'exit 9' TERM; echo up; while :; do sleep 0.1; done";
  using running = sandbox.begin(["exec", id, "sh", "-c", script]);
  await eventually("the program is up", () => running.stdout() === "up\n");
  running.kill("SIGTERM");
  expect(await running.exited()).toBe(9);
  expect((await sandbox.state(id)).status).toBe("running");
});

test("a foreground run that is killed leaves what delete --force removes", async () => {
  await using sandbox = new Sandbox();
  const id = sandbox.id();
  sandbox.configure({ process: { args: ["/bin/sleep", "1000"] } });
  using running = sandbox.begin(["run", id]);
  await sandbox.reaches(id, "running");
  running.kill("SIGKILL");
  expect(await running.exited()).toBe(137);
  await sandbox.must(["delete", "--force", id]);
  await sandbox.expectNothingLeft();
});

for (const [signal, number] of [
  ["TERM", 15],
  ["SIGUSR1", 10],
  ["12", 12],
  ["usr2", 12],
] as const) {
  // covers: kill
  const judged = signal === "usr2" ? except("crun", "1.8.1 takes it for 0") : test;
  judged(`kill with ${signal}`, async () => {
    await using sandbox = new Sandbox();
    const id = sandbox.id();
    sandbox.configure(
      shell(
        'for s in 10 12 15; do trap "echo $s; exit $s" $s; done; echo up; while :; do sleep 0.1; done',
      ),
    );
    using running = sandbox.begin(["run", id]);
    await eventually("the payload is up", () => running.stdout() === "up\n");
    await sandbox.must(["kill", id, signal]);
    expect(await running.exited()).toBe(number);
  });
}

test("kill sends SIGTERM unless told otherwise", async () => {
  await using sandbox = new Sandbox();
  const id = sandbox.id();
  sandbox.configure(shell("trap 'exit 4' TERM; echo up; while :; do sleep 0.1; done"));
  using running = sandbox.begin(["run", id]);
  await eventually("the payload is up", () => running.stdout() === "up\n");
  await sandbox.must(["kill", id]);
  expect(await running.exited()).toBe(4);
});

/** What crun 1.8.1 takes for signal 0. */
const takenByCrun = ["NONSENSE", "SIGNONSENSE", "0x9"];

for (const signal of ["NONSENSE", "SIGNONSENSE", "0x9", "-9", "99999"]) {
  const judged = takenByCrun.includes(signal) ? except("crun", "1.8.1 takes it for 0") : test;
  judged(`kill refuses the signal ${JSON.stringify(signal)}`, async () => {
    await using sandbox = new Sandbox();
    const id = await sandbox.started();
    expect((await sandbox.call(["kill", id, signal])).status).toBe(1);
    expect((await sandbox.state(id)).status).toBe("running");
  });
}

test("kill --all reaches every process of the container", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started(shell("sleep 1000 & sleep 1000 & echo up; wait"), {
    linux: { namespaces: ["ipc", "uts", "mount"].map((type) => ({ type })) },
  });
  await sandbox.must(["kill", "--all", id, "KILL"]);
  await sandbox.reaches(id, "stopped");
  await sandbox.must(["delete", id]);
  await sandbox.expectNothingLeft();
});
