// SPDX-License-Identifier: Apache-2.0
/** The planner's own life, and that what it does is done as if the caller had done it. */
import { expect } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { linux } from "../../src/kernel/linux.ts";
import { plannerCalls } from "../../src/kernel/planner-calls.ts";
import { command, eventually } from "../support/command.ts";
import { Planner } from "../support/planner.ts";
import { binaryOf, only } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const test = only("rune", "it has no planner");
const rune = binaryOf("rune");

// covers: planner, planner --socket
test("a whole life, each verb by the planner", async () => {
  await using planner = await Planner.start();
  await using sandbox = new Sandbox("rune", { env: planner.env });
  const id = await sandbox.created({ process: { args: ["/bin/sleep", "1000"] } });
  expect((await sandbox.state(id)).status).toBe("created");
  await sandbox.must(["start", id]);
  expect((await sandbox.state(id)).status).toBe("running");
  const { stdout } = await sandbox.must(["exec", id, "/bin/echo", "hello"]);
  expect(stdout).toBe("hello\n");
  expect((await sandbox.call(["exec", id, "/bin/sh", "-c", "exit 7"])).status).toBe(7);
  expect((await sandbox.must(["list", "--quiet"])).stdout).toBe(`${id}\n`);
  await sandbox.must(["pause", id]);
  await sandbox.must(["resume", id]);
  await sandbox.must(["kill", id, "KILL"]);
  await sandbox.reaches(id, "stopped");
  await sandbox.must(["delete", id]);
  await sandbox.expectNothingLeft();
  expect(await sandbox.output({ process: { args: ["/bin/echo", "ran"] } })).toBe("ran");
  expect(planner.served()).toBeGreaterThanOrEqual(13);
  expect(planner.refusals()).toEqual([]);
});

test("a failure is said as in a cold start", async () => {
  await using planner = await Planner.start();
  await using sandbox = new Sandbox();
  for (const words of [
    ["state", "nobody"],
    ["exec", "nobody", "/bin/true"],
    ["create", "--bundle", "/nowhere", "x"],
    ["--log-format", "json", "kill", "nobody"],
  ]) {
    const cold = await sandbox.call(words);
    const warm = await sandbox.call(words, { env: planner.env });
    const timeless = (text: string) =>
      text.replace(/time":?="?"[^"]*"/, "").replace(/[0-9T:.-]+Z/, "");
    expect({ ...warm, stderr: timeless(warm.stderr) }).toEqual({
      ...cold,
      stderr: timeless(cold.stderr),
    });
  }
  expect(planner.served()).toBe(4);
});

test("the container has the caller's limits, umask, OOM score, descriptors and directory", async () => {
  await using planner = await Planner.start();
  await using sandbox = new Sandbox("rune", { env: planner.env });
  const script =
    "ulimit -n; umask; cat /proc/self/oom_score_adj; readlink /proc/self/fd/3; cat <&3; nice";
  sandbox.configure({
    process: { args: ["/bin/sh", "-c", script], oomScoreAdj: null, rlimits: [] },
  });
  const inner = sandbox.argv("run", "--preserve-fds", "1", "--bundle", ".", sandbox.id()).join(" ");
  const setting = "ulimit -n 777; umask 027; echo 321 >/proc/self/oom_score_adj";
  const caller = `${setting}; echo given >f; exec nice -n 3 ${inner} 3<f`;
  const options = { cwd: sandbox.bundle.path };
  const run = (env: Record<string, string>) =>
    command(["/bin/sh", "-c", caller], { ...options, env });
  const warm = await run(planner.env);
  expect(planner.served()).toBe(1);
  expect(warm).toEqual(await run({ ...planner.env, RUNE_PLANNER: "off" }));
  expect(warm.stdout).toContain("777\n");
  expect(warm.stdout).toContain("given\n");
});

test("what the planner makes has the caller's umask", async () => {
  await using planner = await Planner.start();
  await using sandbox = new Sandbox("rune", { env: planner.env });
  sandbox.configure({ process: { args: ["/bin/sleep", "1000"] } });
  const words = sandbox.argv("create", "--pid-file", "pid", sandbox.id()).join(" ");
  await command(["/bin/sh", "-c", `umask 077; exec ${words}`], {
    cwd: sandbox.bundle.path,
    env: planner.env,
  });
  expect(planner.served()).toBe(1);
  expect(linux.stat(join(sandbox.bundle.path, "pid")).mode & 0o777).toBe(0o600);
});

test("init is the child of the caller's subreaper, and in the cgroups of its caller's", async () => {
  await using planner = await Planner.start();
  await using sandbox = new Sandbox("rune", { env: planner.env });
  const id = await sandbox.created();
  const { pid } = await sandbox.state(id);
  expect(planner.served()).toBe(2);
  const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  expect(planner.workers()).not.toContain(Number(parent));
  expect(Number(parent)).not.toBe(planner.pid);
  // What the container is not put into: as the caller, not as the planner.
  const cgroups = readFileSync(`/proc/${pid}/cgroup`, "utf8");
  expect(cgroups).toContain(id);
});

test("a hundred descriptors go to the monitor's and init's processes by their numbers", async () => {
  await using planner = await Planner.start();
  await using sandbox = new Sandbox("rune", { env: planner.env });
  const args = ["/bin/sh", "-c", "for i in 3 4 5 20 40; do cat <&$i; done"];
  sandbox.configure({ process: { args } });
  const numbers = Array.from({ length: 50 }, (_, index) => index + 3);
  const open = numbers.map((n) => `exec ${n}<f${n}`).join("; ");
  const make = numbers.map((n) => `echo ${n} >f${n}`).join("; ");
  const call = sandbox.argv("run", "--preserve-fds", "50", sandbox.id()).join(" ");
  const { stdout } = await command(["bash", "-c", `${make}; ${open}; exec ${call}`], {
    cwd: sandbox.bundle.path,
    env: planner.env,
  });
  expect(stdout).toBe("3\n4\n5\n20\n40\n");
  expect(planner.served()).toBe(1);
});

test("/dev/stdin and descriptors by path are the caller's", async () => {
  await using planner = await Planner.start();
  await using sandbox = new Sandbox("rune", { env: planner.env });
  const id = await sandbox.started();
  const document = JSON.stringify({
    user: { uid: 0, gid: 0 },
    cwd: "/",
    args: ["/bin/echo", "from a pipe"],
    env: [],
  });
  const words = sandbox.argv("exec", "--process", "/dev/fd/9", id).join(" ");
  const { stdout, stderr } = await command(["bash", "-c", `exec 9<<<'${document}'; ${words}`], {
    env: planner.env,
  });
  expect({ stdout, stderr }).toEqual({ stdout: "from a pipe\n", stderr: "" });
  const stdin = JSON.stringify({ pids: { limit: 77 } });
  await sandbox.must(["update", "--resources", "-", id], { stdin });
});

// covers: planner --idle-timeout
test("a planner that nobody asks ends, and takes its socket along", async () => {
  await using planner = await Planner.start("--idle-timeout", "300ms");
  expect(await planner.exited()).toBe(0);
  expect(existsSync(planner.socket)).toBe(false);
  expect(planner.log()).toContain("nothing to do: ending");
});

// covers: planner --workers
test("more callers than workers: the others start cold, and all are served", async () => {
  await using planner = await Planner.start("--workers", "2");
  await using sandbox = new Sandbox("rune", { env: planner.env });
  const args = ["/bin/sh", "-c", "echo hello; exit 3"];
  sandbox.configure({ process: { args } });
  const calls = Array.from({ length: 12 }, () => sandbox.call(["run", sandbox.id()]));
  for (const { status, stdout } of await Promise.all(calls)) {
    expect({ status, stdout }).toEqual({ status: 3, stdout: "hello\n" });
  }
  expect(planner.workers().length).toBeLessThanOrEqual(2);
});

test("options that are wrong are said so, and a second planner is refused", async () => {
  await using planner = await Planner.start();
  const env = { RUNE_PLANNER: "off" };
  const call = async (...words: string[]) => {
    const { status, stderr } = await command([rune, "planner", ...words], { env });
    return { status, stderr };
  };
  const refused = (text: string) => ({ status: 1, stderr: expect.stringContaining(text) });
  expect(await call("--workers", "0")).toEqual(refused("expected a number from 1 to 64"));
  expect(await call("--idle-timeout", "soon")).toEqual(refused("expected a time"));
  expect(await call("--socket", planner.socket)).toEqual(refused("another planner does"));
  const open = mkdtempSync(join(tmpdir(), "rune-open-"));
  linux.chmod(open, 0o777);
  try {
    expect(await call("--socket", join(open, "s"))).toEqual(refused("others may write"));
  } finally {
    rmSync(open, { recursive: true });
  }
});

test("systemd's socket: the planner takes it, and leaves it there when it ends", async () => {
  await using sandbox = new Sandbox();
  const folder = join(sandbox.path, "activated");
  mkdirSync(folder, { mode: 0o700 });
  const path = join(folder, "planner.sock");
  const listener = plannerCalls.listenPackets(path);
  try {
    const words = "LISTEN_PID=$$ LISTEN_FDS=1 RUNE_PLANNER=off exec";
    const script = `${words} ${rune} --debug planner --idle-timeout 3s 2>${folder}/log`;
    const child = Bun.spawn(["/bin/sh", "-c", script], {
      stdio: ["ignore", "ignore", "ignore", listener],
    });
    const log = () => (existsSync(`${folder}/log`) ? readFileSync(`${folder}/log`, "utf8") : "");
    await eventually("it waits", () => log().includes("waits"));
    const env = { RUNE_PLANNER: path, RUNE_PLANNER_PATIENCE: "20000" };
    expect((await command([rune, "list"], { env })).status).toBe(0);
    expect(log()).toContain("serving process");
    expect(await child.exited).toBe(0);
    expect(existsSync(path)).toBe(true);
  } finally {
    linux.close(listener);
  }
});

test("a stop lets a request end first", async () => {
  const planner = await Planner.start();
  await using sandbox = new Sandbox("rune", { env: planner.env });
  const go = join(sandbox.path, "go");
  sandbox.configure(slowHook(go));
  using running = sandbox.begin(["create", sandbox.id()]);
  await eventually("the hook runs", () => existsSync(`${go}.asked`));
  planner.kill("SIGTERM");
  await eventually("the socket is gone", () => !existsSync(planner.socket));
  await command(["touch", go]);
  expect(await running.exited()).toBe(0);
  expect(await planner.exited()).toBe(0);
  await planner[Symbol.asyncDispose]();
});

/** A prestart hook that says that it runs, and does so until it is let go. */
function slowHook(go: string) {
  const script = `touch ${go}.asked; while [ ! -e ${go} ]; do sleep 0.05; done`;
  return {
    process: { args: ["/bin/sleep", "1000"] },
    hooks: { prestart: [{ path: "/bin/sh", args: ["sh", "-c", script] }] },
  };
}

test("kill -9 of the worker in the middle: an error, and `delete --force` clears it away", async () => {
  await using planner = await Planner.start();
  await using sandbox = new Sandbox("rune", { env: planner.env });
  const id = sandbox.id();
  const go = join(sandbox.path, "go");
  sandbox.configure(slowHook(go));
  using running = sandbox.begin(["create", id]);
  await eventually("the hook runs", () => existsSync(`${go}.asked`));
  for (const pid of planner.workers()) process.kill(pid, "SIGKILL");
  expect(await running.exited()).toBe(1);
  expect(running.stderr()).toContain("the planner did not finish");
  await command(["touch", go]);
  await sandbox.must(["delete", "--force", id]);
  await sandbox.expectNothingLeft();
  await planner.waits();
  await sandbox.created();
});

test("kill -9 of the whole planner in the middle", async () => {
  const planner = await Planner.start();
  await using sandbox = new Sandbox("rune", { env: planner.env });
  const id = sandbox.id();
  const go = join(sandbox.path, "go");
  sandbox.configure(slowHook(go));
  using running = sandbox.begin(["create", id]);
  await eventually("the hook runs", () => existsSync(`${go}.asked`));
  const workers = planner.workers();
  planner.kill("SIGKILL");
  await planner.exited();
  // The workers finish what they are at, and end.
  await command(["touch", go]);
  expect(await running.exited()).toBe(0);
  await eventually("the workers end", () => workers.every((pid) => !existsSync(`/proc/${pid}`)));
  expect((await sandbox.state(id)).status).toBe("created");
  await planner[Symbol.asyncDispose]();
});

test("a front that is killed in the middle leaves what a cold one leaves, and the planner goes on", async () => {
  await using planner = await Planner.start();
  await using sandbox = new Sandbox("rune", { env: planner.env });
  const id = sandbox.id();
  const go = join(sandbox.path, "go");
  sandbox.configure(slowHook(go));
  using running = sandbox.begin(["create", id]);
  await eventually("the hook runs", () => existsSync(`${go}.asked`));
  running.kill("SIGINT");
  expect(await running.exited()).toBe(130);
  await command(["touch", go]);
  await sandbox.must(["delete", "--force", id]);
  await sandbox.expectNothingLeft();
  await planner.waits();
  expect(await sandbox.created()).toContain(basename(sandbox.path));
});

test("a caller that waits for a lock and is killed does not act later", async () => {
  await using planner = await Planner.start();
  await using sandbox = new Sandbox("rune", { env: planner.env });
  const id = await sandbox.started();
  const directory = linux.open(join(sandbox.stateRoot, id), 0);
  linux.lock(directory);
  const before = planner.served();
  using running = sandbox.begin(["delete", "--force", id]);
  await eventually("it is served", () => planner.served() > before);
  running.kill("SIGKILL");
  await running.exited();
  linux.close(directory);
  expect((await sandbox.state(id)).status).toBe("running");
});

test("two thousand requests leave a worker's memory and descriptors as they were", async () => {
  await using planner = await Planner.start("--workers", "1");
  await using sandbox = new Sandbox("rune", { env: planner.env });
  const id = await sandbox.started();
  const [worker = 0] = planner.workers();
  const call = sandbox.argv().join(" ");
  const verbs = `${call} state ${id} >/dev/null && [ $((i % 20)) -gt 0 ] || ${call} exec ${id} /bin/true`;
  const ask = async (count: number) => {
    const script = `i=0; while [ $i -lt ${count} ]; do ${verbs} || exit 1; i=$((i + 1)); done`;
    const { status, stderr } = await command(["/bin/sh", "-c", script], { env: planner.env });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  };
  const memory = () =>
    Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${worker}/status`, "utf8"))?.[1]);
  const descriptors = () => readdirSync(`/proc/${worker}/fd`).length;
  await ask(600);
  const [memoryBefore, descriptorsBefore] = [memory(), descriptors()];
  await ask(1400);
  expect(planner.workers()).toEqual([worker]);
  expect(planner.served()).toBeGreaterThanOrEqual(2000);
  expect(descriptors()).toBe(descriptorsBefore);
  expect(memory() - memoryBefore).toBeLessThan(12 << 10);
});
