// SPDX-License-Identifier: Apache-2.0
/** --systemd-cgroup with a real systemd as process 1: units, their properties, delegation. */
import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type JsonObject, shell } from "../support/bundle.ts";
import { eventually, mustRun } from "../support/command.ts";
import { guestTest } from "../support/guest.ts";
import { runtimeName } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";

const test = guestTest("systemd");
const mib = 1 << 20;

const machine = () => new Sandbox(runtimeName, { flags: ["--systemd-cgroup"] });
const unitOf = (sandbox: Sandbox) => `test-${sandbox.mark}.scope`;

function inScope(sandbox: Sandbox, resources: JsonObject = {}): JsonObject {
  return { linux: { cgroupsPath: `system.slice:test:${sandbox.mark}`, resources } };
}

async function properties(unit: string): Promise<Map<string, string>> {
  const lines = (await mustRun(["systemctl", "show", unit])).trim().split("\n");
  return new Map(lines.map((line) => [line.replace(/=.*/, ""), line.replace(/^[^=]*=/, "")]));
}

async function loaded(unit: string): Promise<boolean> {
  return (await properties(unit)).get("LoadState") === "loaded";
}

// covers: --systemd-cgroup, linux.cgroupsPath
test("a container is a scope that is delegated and goes with it", async () => {
  await using sandbox = machine();
  const unit = unitOf(sandbox);
  const id = await sandbox.started(inScope(sandbox));
  const { pid } = await sandbox.state(id);
  const path = readFileSync(`/proc/${pid}/cgroup`, "utf8").trim();
  expect(path).toContain(`/system.slice/${unit}`);
  const shown = await properties(unit);
  expect(shown.get("ActiveState")).toBe("active");
  expect(shown.get("Delegate")).toBe("yes");
  expect(shown.get("Slice")).toBe("system.slice");
  await sandbox.must(["delete", "--force", id]);
  await eventually("the unit is gone", async () => !(await loaded(unit)));
});

// covers: linux.resources.memory.limit, linux.resources.cpu.shares, linux.resources.pids.limit
test("systemd knows the limits, and the kernel has them", async () => {
  await using sandbox = machine();
  const id = await sandbox.started(
    inScope(sandbox, {
      memory: { limit: 64 * mib },
      cpu: { shares: 1024, quota: 50_000, period: 100_000 },
      pids: { limit: 44 },
    }),
  );
  const shown = await properties(unitOf(sandbox));
  expect(shown.get("MemoryMax")).toBe(String(64 * mib));
  expect(shown.get("TasksMax")).toBe("44");
  expect(shown.get("CPUQuotaPerSecUSec")).toBe("500ms");
  const { pid } = await sandbox.state(id);
  const path = readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().replace("0::", "");
  const file = (name: string) => readFileSync(join("/sys/fs/cgroup", path, name), "utf8").trim();
  expect(file("memory.max")).toBe(String(64 * mib));
  expect(file("pids.max")).toBe("44");
  expect(file("cpu.max")).toBe("50000 100000");
});

// covers: update --memory, update --pids-limit
test("an update reaches systemd, which keeps it over a reload", async () => {
  await using sandbox = machine();
  const id = await sandbox.started(inScope(sandbox, { memory: { limit: 64 * mib } }));
  await sandbox.must(["update", "--memory", "80m", "--pids-limit", "55", id]);
  await mustRun(["systemctl", "daemon-reload"]);
  const shown = await properties(unitOf(sandbox));
  expect(shown.get("MemoryMax")).toBe(String(80 * mib));
  expect(shown.get("TasksMax")).toBe("55");
});

test("a container that ends by itself leaves no unit after delete", async () => {
  await using sandbox = machine();
  const { status } = await sandbox.run(inScope(sandbox), shell("exit 6"));
  expect(status).toBe(6);
  await eventually("the unit is gone", async () => !(await loaded(unitOf(sandbox))));
});

// covers: pause, resume, kill --all
test("pause, resume and kill --all in a scope", async () => {
  await using sandbox = machine();
  const id = await sandbox.started(inScope(sandbox), shell("sleep 900 & sleep 901"));
  await sandbox.must(["pause", id]);
  expect((await sandbox.state(id)).status).toBe("paused");
  await sandbox.must(["resume", id]);
  await sandbox.must(["kill", "--all", id, "KILL"]);
  await sandbox.reaches(id, "stopped");
});

// covers: linux.resources.devices.*
test("devices are denied, also after systemd has reloaded its own filter", async () => {
  await using sandbox = machine();
  const devices = [{ allow: false, access: "rwm" }];
  const id = await sandbox.started(inScope(sandbox, { devices }), {
    linux: { devices: [{ type: "b", path: "/dev/vda", major: 254, minor: 0 }] },
  });
  const script = "(: </dev/null) && echo open; (: </dev/vda) || echo denied";
  const look = async () => (await sandbox.must(["exec", id, "/bin/sh", "-c", script])).stdout;
  expect(await look()).toBe("open\ndenied\n");
  await mustRun(["systemctl", "daemon-reload"]);
  expect(await look()).toBe("open\ndenied\n");
});
