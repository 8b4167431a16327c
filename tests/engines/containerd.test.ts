// SPDX-License-Identifier: Apache-2.0
/** Containers of containerd with its stock shim and the runtime under test behind it. */
import { expect } from "bun:test";
import { eventually } from "../support/command.ts";
import { Containerd } from "../support/engines/containerd.ts";
import { engineObstacle, shared } from "../support/engines/shared.ts";
import { TerminalSession } from "../support/engines/terminal.ts";
import { needs } from "../support/runtime.ts";

const test = needs(engineObstacle("containerd", "ctr", "ip"));
const engine = shared(() => Containerd.start());

test("ctr run: output, exit statuses, and why a program did not start", async () => {
  const containerd = await engine();
  const run = (...argv: string[]) =>
    containerd.call(containerd.runWords(["--rm"], containerd.id(), ...argv));
  expect(await run("sh", "-c", "echo out; echo err >&2; exit 42")).toEqual({
    status: 42,
    stdout: "out\n",
    stderr: "err\n",
  });
  expect(await run("nonexistent")).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("executable file not found in $PATH"),
  });
  expect(await containerd.must("container", "ls", "--quiet")).toBe("");
});

test("limits, a read-only root, seccomp, capabilities and the caller's cgroup", async () => {
  const containerd = await engine();
  const cgroup = `/${containerd.host.mark}/limited`;
  const flags = ["--cgroup", cgroup, "--memory-limit", "67108864", "--cpus", "0.5", "--read-only"];
  const script = `
    grep pids: /proc/self/cgroup | cut -d : -f 3
    grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status; touch /file 2>&1`;
  const words = ["--rm", "--seccomp", "--cap-drop", "CAP_CHOWN", ...flags];
  const { stdout } = await containerd.call(
    containerd.runWords(words, containerd.id(), "sh", "-c", script),
  );
  expect(stdout.split("\n")).toEqual([
    ...[cgroup, "CapEff:\t00000000a80425fa", "NoNewPrivs:\t1", "Seccomp:\t2"],
    ...["touch: /file: Read-only file system", ""],
  ]);
});

test("a user namespace: the container's root is nobody to the host", async () => {
  const containerd = await engine();
  const maps = ["--uidmap", "0:100000:65536", "--gidmap", "0:200000:65536"];
  const script = "cat /proc/self/uid_map /proc/self/gid_map; id -u; touch /made && ls -ln /made";
  const { status, stdout } = await containerd.call(
    containerd.runWords(["--rm", ...maps], containerd.id(), "sh", "-c", script),
  );
  expect(status).toBe(0);
  expect(stdout.replaceAll(/ +/g, " ")).toMatch(
    /^ 0 100000 65536\n 0 200000 65536\n0\n-rw-r--r-- 1 0 0 0 .* \/made\n$/,
  );
});

test("exec, pause, metrics, processes and kill of a detached container", async () => {
  const containerd = await engine();
  const id = await containerd.background();
  const exec = (name: string, ...words: string[]) =>
    containerd.call(["task", "exec", "--exec-id", name, ...words]);
  expect(await exec("e1", id, "sh", "-c", "echo out; exit 3")).toMatchObject({
    status: 3,
    stdout: "out\n",
  });
  expect(await exec("e2", "--user", "1000", "--cwd", "/tmp", id, "sh", "-c", "id -u; pwd")).toEqual(
    {
      status: 0,
      stdout: "1000\n/tmp\n",
      stderr: "",
    },
  );
  expect(await exec("e3", id, "nonexistent")).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("executable file not found in $PATH"),
  });

  const status = async () => (await containerd.must("task", "ls")).split("\n").at(-1) ?? "";
  await containerd.must("task", "pause", id);
  expect(await status()).toMatch(/PAUSED *$/);
  await containerd.must("task", "resume", id);
  expect(await status()).toMatch(/RUNNING *$/);

  const metrics = JSON.parse(await containerd.must("task", "metrics", "--format", "json", id));
  expect(metrics.pids.current).toBe(1);
  expect(metrics.memory.usage.usage).toBeGreaterThan(0);
  const pid = /\d+/.exec((await status()).slice(id.length))?.[0];
  expect((await containerd.must("task", "ps", id)).split("\n")[1]).toStartWith(`${pid}`);

  await containerd.must("task", "kill", "--signal", "SIGKILL", id);
  await eventually("it has stopped", async () => /STOPPED *$/.test(await status()));
  expect(await containerd.call(["task", "rm", id])).toMatchObject({
    stderr: expect.stringContaining("exit code 137"),
  });
  await containerd.remove(id);
});

test("a terminal: keys, its end, and one for exec", async () => {
  const containerd = await engine();
  const id = containerd.id();
  const script = 'tty; read word; echo "<$word>"; exit 7';
  const words = containerd.runWords(["--rm", "--tty"], id, "sh", "-c", script);
  using run = new TerminalSession(containerd.argv(...words), containerd.env);
  await run.shows("/dev/pts/0");
  run.type("typed\r");
  await run.shows("<typed>");
  expect(await run.exited()).toBe(7);

  const other = await containerd.background();
  const exec = ["task", "exec", "--tty", "--exec-id", "t1", other, "sh", "-c", script];
  using second = new TerminalSession(containerd.argv(...exec), containerd.env);
  await second.shows("/dev/pts/");
  second.type("again\r");
  await second.shows("<again>");
  expect(await second.exited()).toBe(7);
  await containerd.remove(other);
});

test("a detached container outlives containerd, also a killed one", async () => {
  const containerd = await engine();
  const id = await containerd.background();
  const before = await containerd.must("task", "ls");
  expect(before).toContain("RUNNING");
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    await containerd.stopDaemon(signal);
    await containerd.startDaemon();
    expect(await containerd.must("task", "ls")).toBe(before);
  }
  expect(await containerd.must("task", "exec", "--exec-id", "after", id, "echo", "alive")).toBe(
    "alive",
  );
  await containerd.remove(id);
});
