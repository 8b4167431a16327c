// SPDX-License-Identifier: Apache-2.0
/** Limits of cgroup version 2 as processes feel them, where the unified hierarchy has every controller. */
import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type JsonObject, moreMounts, shell } from "../support/bundle.ts";
import { eventually } from "../support/command.ts";
import { guestTest } from "../support/guest.ts";
import { Sandbox } from "../support/sandbox.ts";

const test = guestTest("v2");
const mib = 1 << 20;

const limited = (sandbox: Sandbox, resources: JsonObject): JsonObject => ({
  linux: { cgroupsPath: `/${sandbox.mark}`, resources },
});

function read(sandbox: Sandbox, file: string): string {
  return readFileSync(join("/sys/fs/cgroup", sandbox.mark, file), "utf8").trim();
}

function count(sandbox: Sandbox, file: string, key: string): number {
  const line = read(sandbox, file)
    .split("\n")
    .find((text) => text.startsWith(`${key} `));
  return Number(line?.split(" ")[1]);
}

// covers: linux.resources.memory.limit, linux.resources.memory.swap
test("a container that exceeds its memory is killed", async () => {
  await using sandbox = new Sandbox();
  const { status } = await sandbox.run(
    limited(sandbox, { memory: { limit: 16 * mib, swap: 16 * mib } }),
    moreMounts({ destination: "/fill", type: "tmpfs", source: "tmpfs", options: ["size=64m"] }),
    { process: { args: ["/bin/dd", "if=/dev/zero", "of=/fill/file", "bs=1M", "count=60"] } },
  );
  expect(status).toBe(137);
});

// covers: linux.resources.memory.*
test("memory with swap is converted to the two limits of version 2", async () => {
  await using sandbox = new Sandbox();
  const memory = { limit: 64 * mib, swap: 96 * mib, reservation: 32 * mib };
  await sandbox.started(limited(sandbox, { memory }));
  expect(read(sandbox, "memory.max")).toBe(String(64 * mib));
  expect(read(sandbox, "memory.low")).toBe(String(32 * mib));
  expect(read(sandbox, "memory.swap.max")).toBe(String(32 * mib));
});

// covers: linux.resources.pids.limit
test("a fork bomb stops at the limit", async () => {
  await using sandbox = new Sandbox();
  await sandbox.started(
    limited(sandbox, { pids: { limit: 12 } }),
    shell("bomb() { bomb | bomb & }; bomb 2>/dev/null; exec sleep 1000"),
  );
  expect(read(sandbox, "pids.max")).toBe("12");
  await eventually("the limit is met", () => count(sandbox, "pids.events", "max") > 0);
  expect(Number(read(sandbox, "pids.current"))).toBeLessThanOrEqual(12);
});

// covers: linux.resources.cpu.quota, linux.resources.cpu.period
test("a container that spins is throttled", async () => {
  await using sandbox = new Sandbox();
  const cpu = { quota: 5_000, period: 50_000 };
  await sandbox.started(limited(sandbox, { cpu }), shell("while :; do :; done"));
  expect(read(sandbox, "cpu.max")).toBe("5000 50000");
  await eventually("it is throttled", () => count(sandbox, "cpu.stat", "nr_throttled") > 1);
});

// covers: linux.resources.unified
test("files of version 2 are written as they are", async () => {
  await using sandbox = new Sandbox();
  const unified = { "memory.high": String(48 * mib), "pids.max": "33", "cpu.weight": "77" };
  await sandbox.started(limited(sandbox, { unified }));
  for (const [file, value] of Object.entries(unified)) expect(read(sandbox, file)).toBe(value);
});

// covers: pause, resume
test("the freezer of version 2 stops every process", async () => {
  await using sandbox = new Sandbox();
  const id = await sandbox.started(limited(sandbox, {}), shell("while :; do :; done"));
  await sandbox.must(["pause", id]);
  expect(count(sandbox, "cgroup.events", "frozen")).toBe(1);
  const before = count(sandbox, "cpu.stat", "usage_usec");
  await Bun.sleep(500);
  expect(count(sandbox, "cpu.stat", "usage_usec")).toBe(before);
  await sandbox.must(["resume", id]);
  await eventually("it goes on", () => count(sandbox, "cpu.stat", "usage_usec") > before);
});

// covers: linux.resources.devices.*
test("the eBPF filter lets through what is allowed, and nothing else", async () => {
  await using sandbox = new Sandbox();
  const [major, root, project] = [254, 0, 16]; // the guest's disks
  const devices = [
    { allow: false, access: "rwm" },
    { allow: true, type: "b", major, minor: root, access: "r" },
  ];
  const node = (path: string, minor: number) => ({ type: "b", path, major, minor });
  const script =
    "(: </dev/vda) && echo read; (: >>/dev/vda) || echo not written; (: </dev/vdb) || echo no other";
  const { stdout } = await sandbox.run(
    { linux: { devices: [node("/dev/vda", root), node("/dev/vdb", project)] } },
    limited(sandbox, { devices }),
    shell(script),
  );
  expect(stdout).toBe("read\nnot written\nno other\n");
});
