// SPDX-License-Identifier: Apache-2.0
/** Tasks through containerd-shim-rune-v2, as `ctr` and containerd see them; with RUNTIME=runc through the stock shim. */
import { expect } from "bun:test";
import { eventually } from "../support/command.ts";
import { Containerd, withShim } from "../support/engines/containerd.ts";
import { engineObstacle, shared } from "../support/engines/shared.ts";
import { TerminalSession } from "../support/engines/terminal.ts";
import { needs, runtimeName } from "../support/runtime.ts";

const test = needs(engineObstacle("containerd", "ctr", "ip"));
const engine = shared(() => Containerd.start(withShim));

async function statusOf(containerd: Containerd, id: string): Promise<string> {
  const lines = (await containerd.must("task", "ls")).split("\n");
  return (
    lines
      .find((line) => line.startsWith(`${id} `))
      ?.trimEnd()
      .split(/ +/)
      .at(-1) ?? "gone"
  );
}

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

test("standard input ends when the client's does, for run and for exec", async () => {
  const containerd = await engine();
  // ctr has often read all of its input before it knows of the task: then it does not call CloseIO, and
  // with the stock shim waits for ever.
  if (runtimeName !== "runc") {
    const words = containerd.runWords(["--rm"], containerd.id(), "cat");
    expect(await containerd.call(words, "first\n")).toMatchObject({ status: 0, stdout: "first\n" });
  }
  const id = await containerd.background();
  const exec = ["task", "exec", "--exec-id", "e", id, "cat"];
  const long = `${"0123456789abcde\n".repeat(20_000)}`; // more than a fifo holds
  expect((await containerd.call(exec, long)).stdout).toBe(long);
  await containerd.remove(id);
});

test("exec: statuses, users, programs that are not there, and many at once", async () => {
  const containerd = await engine();
  const id = await containerd.background();
  const exec = (name: string, ...words: string[]) =>
    containerd.call(["task", "exec", "--exec-id", name, ...words]);
  expect(await exec("e1", id, "sh", "-c", "echo out; exit 3")).toMatchObject({
    status: 3,
    stdout: "out\n",
  });
  const flags = ["--user", "1000", "--cwd", "/tmp", id];
  expect(await exec("e2", ...flags, "sh", "-c", "id -u; pwd; echo x > /dev/stdout")).toEqual({
    status: 0,
    stdout: "1000\n/tmp\nx\n",
    stderr: "",
  });
  expect(await exec("e3", id, "nonexistent")).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("executable file not found in $PATH"),
  });
  const codes = Array.from({ length: 12 }, (_, index) => index + 1);
  const ended = codes.map((code) => exec(`many-${code}`, id, "sh", "-c", `exit ${code}`));
  expect((await Promise.all(ended)).map(({ status }) => status)).toEqual(codes);
  await containerd.remove(id);
});

test("pause, resume, metrics, processes, kill, delete", async () => {
  const containerd = await engine();
  const id = await containerd.background();
  await containerd.must("task", "pause", id);
  expect(await statusOf(containerd, id)).toBe("PAUSED");
  await containerd.must("task", "resume", id);
  expect(await statusOf(containerd, id)).toBe("RUNNING");
  const metrics = JSON.parse(await containerd.must("task", "metrics", "--format", "json", id));
  expect(metrics.pids.current).toBe(1);
  expect(metrics.memory.usage.usage).toBeGreaterThan(0);
  expect((await containerd.must("task", "ps", id)).split("\n").length).toBe(2);
  expect(await containerd.call(["task", "rm", id])).toMatchObject({ status: 1 });
  await containerd.must("task", "kill", "--signal", "SIGKILL", id);
  await eventually("it has stopped", async () => (await statusOf(containerd, id)) === "STOPPED");
  expect(await containerd.call(["task", "rm", id])).toMatchObject({
    stderr: expect.stringContaining("exit code 137"),
  });
  await containerd.remove(id);
});

test("a terminal: keys, its size, its end, and one for exec", async () => {
  const containerd = await engine();
  const script = 'tty; read word; echo "<$word>"; exit 7';
  const words = containerd.runWords(["--rm", "--tty"], containerd.id(), "sh", "-c", script);
  using run = new TerminalSession(containerd.argv(...words), containerd.env);
  await run.shows("/dev/pts/0");
  run.type("typed\r");
  await run.shows("<typed>");
  expect(await run.exited()).toBe(7);

  const other = await containerd.background();
  const resized = 'tty; read word; stty size; echo "<$word>"; exit 7';
  const exec = ["task", "exec", "--tty", "--exec-id", "t1", other, "sh", "-c", resized];
  using second = new TerminalSession(containerd.argv(...exec), containerd.env);
  await second.shows("/dev/pts/");
  second.resize({ rows: 33, cols: 99 });
  second.type("again\r");
  await second.shows("<again>");
  expect(await second.exited()).toBe(7);
  await containerd.remove(other);
});

test("containers outlive containerd, also a killed one", async () => {
  const containerd = await engine();
  const id = await containerd.background();
  const before = await containerd.must("task", "ls");
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    await containerd.stopDaemon(signal);
    await containerd.startDaemon();
    expect(await containerd.must("task", "ls")).toBe(before);
  }
  const exec = ["task", "exec", "--exec-id", "after", id, "echo", "alive"];
  expect(await containerd.must(...exec)).toBe("alive");
  await containerd.remove(id);
});

test("a container that ends while containerd is away is found stopped, or is cleared up", async () => {
  const containerd = await engine();
  const id = await containerd.background(
    [],
    "sh",
    "-c",
    "while [ ! -e /end ]; do sleep 0.1; done; exit 9",
  );
  await containerd.must(
    "task",
    "exec",
    "--exec-id",
    "later",
    id,
    "sh",
    "-c",
    "(sleep 1; touch /end) >/dev/null 2>&1 &",
  );
  await containerd.stopDaemon("SIGKILL");
  await Bun.sleep(1500);
  await containerd.startDaemon();
  if ((await containerd.version()) === "1.6") {
    await eventually("it has stopped", async () => (await statusOf(containerd, id)) === "STOPPED");
    expect(await containerd.call(["task", "rm", id])).toMatchObject({
      stderr: expect.stringContaining("exit code 9"),
    });
  } else {
    // Newer ones remove a task in which nothing runs, whichever shim it has.
    await eventually("it is gone", async () => (await statusOf(containerd, id)) === "gone");
  }
  await containerd.must("container", "rm", id);
});

test("ids of every legal shape, and the same one in two namespaces", async () => {
  const containerd = await engine();
  const { mark } = containerd.host;
  for (const shape of ["a", "A.b_c-d", "0.1", "x".repeat(76 - mark.length)]) {
    const id = `${mark}${shape}`.slice(-76).replace(/^[^A-Za-z0-9]+/, "");
    const run = containerd.runWords(["--rm"], id, "echo", shape);
    expect(await containerd.must(...run)).toBe(shape);
  }
  await containerd.call(["namespace", "create", "other"]);
  await containerd.must(
    "--namespace",
    "other",
    "image",
    "import",
    `${containerd.host.path}/image-docker-io-library-busybox-test/image.tar`,
  );
  const id = await containerd.background();
  const twin = containerd.runWords(["--rm"], id, "echo", "twin");
  expect(await containerd.must("--namespace", "other", ...twin)).toBe("twin");
  expect(await statusOf(containerd, id)).toBe("RUNNING");
  await containerd.remove(id);
});

test("a user namespace: the container's root is nobody to the host", async () => {
  const containerd = await engine();
  const maps = ["--uidmap", "0:100000:65536", "--gidmap", "0:200000:65536"];
  // Its standard output, too, is its own to open: ctr names the owner.
  const script =
    "cat /proc/self/uid_map /proc/self/gid_map; id -u > /dev/stdout; touch /made && ls -ln /made";
  const words = containerd.runWords(["--rm", ...maps], containerd.id(), "sh", "-c", script);
  const { status, stdout } = await containerd.call(words);
  expect(status).toBe(0);
  expect(stdout.replaceAll(/ +/g, " ")).toMatch(
    /^ 0 100000 65536\n 0 200000 65536\n0\n-rw-r--r-- 1 0 0 0 .* \/made\n$/,
  );
});

test("a process that daemonises itself lives on, and ends with the container", async () => {
  const containerd = await engine();
  const id = await containerd.background();
  const script = "setsid sleep 998 >/dev/null 2>&1 & exit 4";
  const exec = ["task", "exec", "--exec-id", "d", id, "sh", "-c", script];
  expect(await containerd.call(exec)).toMatchObject({ status: 4 });
  expect((await containerd.must("task", "ps", id)).split("\n").length).toBe(3);
  await containerd.remove(id);
});

test("every one of hundreds of short programs is told of", async () => {
  const containerd = await engine();
  const id = await containerd.background();
  const count = process.env["CONFORMANCE"] === "1" ? 1000 : 100;
  const exec = async (index: number) => {
    const words = ["task", "exec", "--exec-id", `s${index}`, id, "sh", "-c", `exit ${index % 200}`];
    return (await containerd.call(words)).status;
  };
  const statuses: number[] = [];
  for (let at = 0; at < count; at += 20) {
    const some = Array.from({ length: Math.min(20, count - at) }, (_, index) => exec(at + index));
    statuses.push(...(await Promise.all(some)));
  }
  expect(statuses).toEqual(Array.from({ length: count }, (_, index) => index % 200));
  await containerd.remove(id);
});
