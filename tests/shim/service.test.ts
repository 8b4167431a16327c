// SPDX-License-Identifier: Apache-2.0
/** The task service word by word, with a stand-in for containerd: versions 2 and 3, options, events, logging. */
import { expect } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { encode } from "../../src/protobuf/codec.ts";
import { TaskExit } from "../../src/shim/proto/events.gen.ts";
import { CreateOptions } from "../../src/shim/proto/linux-options.gen.ts";
import { Options } from "../../src/shim/proto/runc-options.gen.ts";
import { Task } from "../../src/shim/proto/task-v2.gen.ts";
import { Task as TaskV3 } from "../../src/shim/proto/task-v3.gen.ts";
import { shell } from "../support/bundle.ts";
import { command, eventually, Running } from "../support/command.ts";
import { processes } from "../support/leftovers.ts";
import { needs, runtimeName } from "../support/runtime.ts";
import { busObstacle, Systemd } from "../support/systemd.ts";
import { StandIn } from "./stand-in.ts";

const obstacle =
  process.getuid?.() === 0
    ? runtimeName === "rune"
      ? undefined
      : "it is about rune's shim"
    : "needs root";
const test = needs(obstacle);
const needsBus = needs(obstacle ?? busObstacle);
const streams = { stdin: "", stdout: "", stderr: "", terminal: false };

test("a task's life and its events, in their order, also when it ends at once", async () => {
  await using containerd = new StandIn();
  const { path } = containerd.bundle("web", shell("exit 5"));
  const address = await containerd.start("web");
  // As of a server that was killed.
  const stale = `${dirname(address.slice("unix://".length))}/pod-1`;
  mkdirSync(stale);
  const client = await containerd.client(address);
  const id = "web";
  const { pid } = await client.call(Task, "Create", { ...streams, id, bundle: path });
  expect(await client.call(Task, "State", { id })).toMatchObject({ status: 1, pid, id });
  const waiting = client.call(Task, "Wait", { id });
  expect(await client.call(Task, "Start", { id })).toEqual({ pid });
  expect(await waiting).toMatchObject({ exitStatus: 5 });
  expect(await client.call(Task, "State", { id })).toMatchObject({ status: 3, exitStatus: 5 });
  expect(client.call(Task, "Kill", { id, signal: 9 })).rejects.toThrow("process already finished");
  expect(client.call(Task, "Start", { id })).rejects.toThrow("is stopped");
  expect(await client.call(Task, "Delete", { id })).toMatchObject({ pid, exitStatus: 5 });
  expect(client.call(Task, "State", { id })).rejects.toThrow("does not exist");
  rmdirSync(stale);
  const topics = ["create", "start", "exit", "delete"].map((topic) => `/tasks/${topic}`);
  await eventually("all is told", () => containerd.told.length === topics.length);
  expect(containerd.topics()).toEqual(topics);
  expect(containerd.event(TaskExit)).toMatchObject({ containerId: id, id, pid, exitStatus: 5 });
});

test("version 3: what start answers, and the service's other name", async () => {
  await using containerd = new StandIn();
  const { path } = containerd.bundle("web", shell("exit 0"));
  const answer = JSON.parse(await containerd.start("web", { MAX_SHIM_VERSION: "3" }));
  expect(answer).toMatchObject({ version: 3, protocol: "ttrpc" });
  const client = await containerd.client(answer.address);
  await client.call(TaskV3, "Create", { ...streams, id: "web", bundle: path });
  await client.call(TaskV3, "Start", { id: "web" });
  expect(await client.call(TaskV3, "Wait", { id: "web" })).toMatchObject({ exitStatus: 0 });
  await client.call(TaskV3, "Delete", { id: "web" });
});

test("the shim's cgroup and OOM score, and two containers of a pod in one monitor", async () => {
  await using containerd = new StandIn();
  const annotations = { "io.kubernetes.cri.sandbox-id": "pod" };
  const cgroup = `/${containerd.mark}-shim`;
  const value = encode(CreateOptions, { shimCgroup: cgroup });
  const options = { typeUrl: CreateOptions.typeName, value };
  const shims: number[] = [];
  const bundles = ["a", "b"].map((id) =>
    containerd.bundle(id, { annotations }, shell("sleep 1000")),
  );
  const client = await containerd.client(await containerd.start("a"));
  for (const [index, { path }] of bundles.entries()) {
    const id = ["a", "b"][index] ?? "";
    await client.call(Task, "Create", { ...streams, id, bundle: path, options });
    await client.call(Task, "Start", { id });
    shims.push((await client.call(Task, "Connect", { id })).shimPid);
  }
  expect(shims[0]).toBe(shims[1] ?? 0);
  const own = Number(readFileSync("/proc/self/oom_score_adj", "utf8"));
  const score = Number(readFileSync(`/proc/${shims[0]}/oom_score_adj`, "utf8"));
  expect(score).toBe(Math.min(own + 1, 1000));
  expect(readFileSync(`/proc/${shims[0]}/cgroup`, "utf8")).toContain(cgroup);
  for (const id of ["a", "b"]) {
    await client.call(Task, "Kill", { id, signal: 9, all: true });
    await client.call(Task, "Wait", { id });
    await client.call(Task, "Delete", { id });
  }
  for (const name of readdirSync("/sys/fs/cgroup")) {
    await eventually("the monitor has left", () => removed(`/sys/fs/cgroup/${name}${cgroup}`));
  }
});

function removed(path: string): boolean {
  try {
    if (existsSync(path)) rmdirSync(path);
    return true;
  } catch {
    return false; // somebody is in it
  }
}

needsBus(
  "the option SystemdCgroup: scopes are systemd's, and go with their containers",
  async () => {
    await using systemd = await Systemd.start();
    await using containerd = new StandIn();
    const slice = `${containerd.mark.replaceAll("-", "_")}.slice`;
    const linux = { cgroupsPath: `${slice}:shim:web` };
    const { path } = containerd.bundle(
      "web",
      { linux },
      shell("cat /proc/self/cgroup; sleep 1000"),
    );
    const value = encode(Options, { systemdCgroup: true });
    const options = { typeUrl: Options.typeName, value };
    const client = await containerd.client(await containerd.start("web", systemd.env));
    const log = `${containerd.path}/cgroup.log`;
    const given = { ...streams, stdout: `file://${log}`, stderr: `file://${log}` };
    await client.call(Task, "Create", { ...given, id: "web", bundle: path, options });
    await client.call(Task, "Start", { id: "web" });
    const units = () =>
      systemd
        .noted()
        .flatMap(({ member, body }) => (member === "StartTransientUnit" ? [body?.[0]] : []));
    expect(units()).toEqual(["shim-web.scope"]);
    await eventually("it says where it is", () => readFileSync(log, "utf8").includes(slice));
    expect(readFileSync(log, "utf8")).toContain(`/${slice}/shim-web.scope`);
    await client.call(Task, "Kill", { id: "web", signal: 9 });
    await client.call(Task, "Wait", { id: "web" });
    await client.call(Task, "Delete", { id: "web" });
    for (const name of readdirSync("/sys/fs/cgroup")) {
      await eventually("the slice is empty", () => removed(`/sys/fs/cgroup/${name}/${slice}`));
    }
  },
);

test("with containerd's debug level every step of a task is in its log", async () => {
  await using containerd = new StandIn();
  const { path } = containerd.bundle("web", shell("exit 0"));
  // As containerd: a fifo in the bundle, that somebody reads.
  const fifo = `${path}/log`;
  await command(["mkfifo", fifo]);
  using reader = new Running(["sh", "-c", 'exec cat <> "$1"', "sh", fifo]);
  const client = await containerd.client(await containerd.start("web", {}, ["-debug"]));
  await client.call(Task, "Create", { ...streams, id: "web", bundle: path });
  await client.call(Task, "Start", { id: "web" });
  await client.call(Task, "Wait", { id: "web" });
  await client.call(Task, "Delete", { id: "web" });
  await eventually("all is told", () => reader.stdout().includes("delete: done in"));
  reader.kill("SIGKILL");
  await reader.exited();
  const lines = reader.stdout().trim().split("\n");
  for (const line of lines)
    expect(line).toMatch(/^time="[^"]+" level=debug msg=".*" container="web" namespace="test"$/);
  for (const words of ["create: done in", "start: done in", "to start the program"])
    expect(lines.some((line) => line.includes(words))).toBe(true);
});

test("running out of memory is told", async () => {
  await using containerd = new StandIn();
  const limit = { linux: { resources: { memory: { limit: 20 << 20 } } } };
  const { path } = containerd.bundle("web", limit, shell("tail /dev/zero; sleep 1000"));
  const client = await containerd.client(await containerd.start("web"));
  const id = "web";
  await client.call(Task, "Create", { ...streams, id, bundle: path });
  await client.call(Task, "Start", { id });
  await eventually("it is told", () => containerd.topics().includes("/tasks/oom"));
  await client.call(Task, "Kill", { id, signal: 9 });
  await client.call(Task, "Wait", { id });
  await client.call(Task, "Delete", { id });
});

test("a task that is deleted before it was started has been killed", async () => {
  await using containerd = new StandIn();
  const { path } = containerd.bundle("web", shell("exit 0"));
  const client = await containerd.client(await containerd.start("web"));
  await client.call(Task, "Create", { ...streams, id: "web", bundle: path });
  expect(await client.call(Task, "Delete", { id: "web" })).toMatchObject({ exitStatus: 137 });
});

test("file:// and binary:// logging", async () => {
  await using containerd = new StandIn();
  const logger = `${containerd.path}/a logger`;
  const log = `${containerd.path}/binary.log`;
  const script = `#!/bin/sh\nexec 5>&-\n{ echo "$1 $2 $CONTAINER_ID $CONTAINER_NAMESPACE"; cat <&3; cat <&4; } > ${log}.new\nmv ${log}.new ${log}\n`;
  writeFileSync(logger, script);
  chmodSync(logger, 0o755);
  mkdirSync(`${containerd.path}/logs`);
  const addresses = {
    filed: `file://${containerd.path}/logs/deep/a%20file.log`,
    piped: `binary://${logger.replace(" ", "%20")}?key=value`,
  };
  const program = shell("echo out; echo err >&2");
  for (const [id, address] of Object.entries(addresses)) {
    const { path } = containerd.bundle(id, program);
    const client = await containerd.client(await containerd.start(id));
    const given = { ...streams, stdout: address, stderr: address };
    await client.call(Task, "Create", { ...given, id, bundle: path });
    await client.call(Task, "Start", { id });
    await client.call(Task, "Wait", { id });
    if (id === "piped") await eventually("the logger is done", () => Bun.file(log).exists());
    await client.call(Task, "Delete", { id });
  }
  expect(readFileSync(`${containerd.path}/logs/deep/a file.log`, "utf8")).toBe("out\nerr\n");
  expect(readFileSync(log, "utf8")).toBe("key value piped test\nout\nerr\n");
});

test("loggers that cannot be started leave no descriptors in the server", async () => {
  await using containerd = new StandIn();
  const { path } = containerd.bundle("web", shell("exit 0"));
  const client = await containerd.client(await containerd.start("web"));
  const given = { ...streams, stdout: "binary:///nowhere", stderr: "binary:///nowhere" };
  const held: number[] = [];
  for (let turn = 0; turn < 6; turn++) {
    const failing = client.call(Task, "Create", { ...given, id: "web", bundle: path });
    await expect(failing).rejects.toThrow("start `/nowhere`");
    const server = processes(containerd.mark).find((line) => line.includes(" serve")) ?? "";
    held.push(readdirSync(`/proc/${/^process (\d+)/.exec(server)?.[1]}/fd`).length);
  }
  expect(held.at(-1)).toBeLessThanOrEqual(held[1] ?? 0);
});

test("where a pod's monitor has died, the end of its next one is heard of, too", async () => {
  await using containerd = new StandIn();
  const annotations = { "io.kubernetes.cri.sandbox-id": "pod" };
  const ids = ["a", "b"];
  const bundles = ids.map((id) => containerd.bundle(id, { annotations }, shell("sleep 1000")));
  const client = await containerd.client(await containerd.start("a"));
  const begin = async (id: string, bundle: string) => {
    await client.call(Task, "Create", { ...streams, id, bundle });
    await client.call(Task, "Start", { id });
  };
  const killMonitor = async (id: string) => {
    process.kill((await client.call(Task, "Connect", { id })).shimPid, "SIGKILL");
    return await client.call(Task, "Wait", { id }, { timeoutMs: 10_000 });
  };
  await begin("a", bundles[0]?.path ?? "");
  expect(await killMonitor("a")).toMatchObject({ exitStatus: 137 });
  await begin("b", bundles[1]?.path ?? "");
  await client.call(Task, "Delete", { id: "a" });
  expect(await killMonitor("b")).toMatchObject({ exitStatus: 137 });
  await client.call(Task, "Delete", { id: "b" });
});

test("a container of the same name that is another engine's stays, whatever is tried", async () => {
  await using theirs = new StandIn();
  await using ours = new StandIn();
  const id = theirs.mark; // nobody else's
  const bundles = [theirs, ours].map((one) => one.bundle(id, shell("sleep 1000")).path);
  const first = await theirs.client(await theirs.start(id));
  await first.call(Task, "Create", { ...streams, id, bundle: bundles[0] ?? "" });
  await first.call(Task, "Start", { id });
  const second = await ours.client(await ours.start(id));
  const failing = second.call(Task, "Create", { ...streams, id, bundle: bundles[1] ?? "" });
  await expect(failing).rejects.toThrow("a container with that id exists");
  await ours.delete(id);
  expect(await first.call(Task, "State", { id })).toMatchObject({ status: 2 });
  await first.call(Task, "Kill", { id, signal: 9 });
  await first.call(Task, "Wait", { id });
  await first.call(Task, "Delete", { id });
});

test("events wait for a containerd that is away, and come in their order", async () => {
  await using containerd = new StandIn();
  const { path } = containerd.bundle("web", shell("exit 0"));
  const client = await containerd.client(await containerd.start("web"));
  await containerd.goAway();
  await client.call(Task, "Create", { ...streams, id: "web", bundle: path });
  await client.call(Task, "Start", { id: "web" });
  await client.call(Task, "Wait", { id: "web" });
  await client.call(Task, "Delete", { id: "web" });
  containerd.listen();
  const topics = ["create", "start", "exit", "delete"].map((topic) => `/tasks/${topic}`);
  await eventually("all is told", () => containerd.told.length >= topics.length);
  expect(containerd.topics()).toEqual(topics);
});

test("thousands of requests in flight are answered", async () => {
  await using containerd = new StandIn();
  const { path } = containerd.bundle("web", shell("sleep 1000"));
  const client = await containerd.client(await containerd.start("web"));
  const id = "web";
  await client.call(Task, "Create", { ...streams, id, bundle: path });
  await client.call(Task, "Start", { id });
  const many = Array.from({ length: 10_000 }, () => client.call(Task, "Wait", { id }));
  await client.call(Task, "Kill", { id, signal: 9 });
  const statuses = new Set((await Promise.all(many)).map(({ exitStatus }) => exitStatus));
  expect([...statuses]).toEqual([137]);
  await client.call(Task, "Delete", { id });
});
