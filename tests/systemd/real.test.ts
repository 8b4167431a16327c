// SPDX-License-Identifier: Apache-2.0
/** --systemd-cgroup with a real systemd: a user's manager, in version 2. */
import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type JsonObject, shell } from "../support/bundle.ts";
import { eventually, mustRun, Running } from "../support/command.ts";
import { needs } from "../support/runtime.ts";
import { UserSystemd, UserSystemdSandbox, userSystemdObstacle } from "../support/user-systemd.ts";

const test = needs(userSystemdObstacle);

const named = (name: string, annotations: JsonObject = {}): JsonObject => ({
  linux: { cgroupsPath: `test-containers.slice:box:${name}` },
  annotations,
});

for (const [way, withBus] of [
  ["over a bus", true],
  ["over its own socket", false],
] as const) {
  test(`a container's life in a scope, ${way}`, async () => {
    await using systemd = await UserSystemd.start(withBus);
    await using sandbox = new UserSystemdSandbox(systemd);
    const id = await sandbox.started(
      named(sandbox.mark, { "org.systemd.property.TimeoutStopSec": "uint32 7" }),
    );
    const unit = `box-${sandbox.mark}.scope`;
    const cgroup = `${systemd.cgroup}/test.slice/test-containers.slice/${unit}`;
    const { pid } = await sandbox.state(id);
    expect(readFileSync(`/proc/${pid}/cgroup`, "utf8")).toContain(`0::${cgroup}\n`);
    expect(
      await systemd.show(
        unit,
        "ActiveState",
        "ControlGroup",
        "Slice",
        "Delegate",
        "TimeoutStopUSec",
      ),
    ).toEqual({
      ActiveState: "active",
      ControlGroup: cgroup,
      Slice: "test-containers.slice",
      Delegate: "yes",
      TimeoutStopUSec: "7s",
    });
    await sandbox.must(["pause", id]);
    expect((await sandbox.state(id)).status).toBe("paused");
    await sandbox.must(["resume", id]);
    expect((await sandbox.must(["exec", id, "cat", "/proc/self/cgroup"])).status).toBe(0);
    await sandbox.must(["delete", "--force", id]);
    expect(await systemd.show(unit, "LoadState", "ActiveState")).toMatchObject({
      ActiveState: "inactive",
    });
    await sandbox.expectNothingLeft();
  });
}

test("one container after the other, and one that ends by itself", async () => {
  await using systemd = await UserSystemd.start(false);
  await using sandbox = new UserSystemdSandbox(systemd);
  for (let round = 0; round < 10; round++) {
    const { status, stderr } = await sandbox.run(named(sandbox.mark), shell("exit 5"));
    expect([status, stderr]).toEqual([5, ""]);
    await sandbox.expectNothingLeft();
  }
  const id = await sandbox.started(named(sandbox.mark));
  await sandbox.must(["kill", id, "KILL"]);
  await sandbox.reaches(id, "stopped");
  await sandbox.must(["delete", id]);
  const { stdout } = await systemd.systemctl(
    "list-units",
    "--all",
    "--plain",
    "--no-legend",
    "box-*",
  );
  expect(stdout).toBe("");
});

test("a scope that systemd stops takes its container along", async () => {
  await using systemd = await UserSystemd.start(false);
  await using sandbox = new UserSystemdSandbox(systemd);
  const id = await sandbox.started(
    named(sandbox.mark, { "org.systemd.property.TimeoutStopSec": "uint32 1" }),
  );
  await systemd.systemctl("stop", `box-${sandbox.mark}.scope`);
  await sandbox.reaches(id, "stopped");
  await sandbox.must(["delete", id]);
  await sandbox.expectNothingLeft();
});

test("what systemd refuses is told", async () => {
  await using systemd = await UserSystemd.start(false);
  await using sandbox = new UserSystemdSandbox(systemd);
  sandbox.configure(named(sandbox.mark, { "org.systemd.property.NoSuchThing": "true" }));
  const { status, stderr } = await sandbox.call(["create", sandbox.id()]);
  expect(status).toBe(1);
  expect(stderr).toMatch(/NoSuchThing/);
  await sandbox.expectNothingLeft();
});

test("every limit is a property that systemd has", async () => {
  await using systemd = await UserSystemd.start(false);
  using process = new Running(["sleep", "1000"]);
  const resources = {
    memory: { limit: 64 << 20, reservation: 32 << 20, swap: 96 << 20 },
    cpu: { shares: 512, quota: 5001, period: 50_000, cpus: "0", mems: "0" },
    pids: { limit: 77 },
    unified: { "memory.high": `${48 << 20}` },
    devices: [{ allow: true, type: "c", major: 10, minor: 229, access: "rwm" }],
  };
  const script = join(import.meta.dir, "start-scope.ts");
  const argv = [
    globalThis.process.execPath,
    script,
    "limits",
    String(process.pid),
    JSON.stringify(resources),
  ];
  try {
    await mustRun(systemd.inside("/", argv), { env: systemd.env });
    const names =
      "MemoryMax MemoryLow MemoryHigh MemorySwapMax CPUQuotaPerSecUSec CPUQuotaPeriodUSec TasksMax AllowedCPUs AllowedMemoryNodes DevicePolicy CPUWeight";
    expect(await systemd.show("rune-limits.scope", ...names.split(" "))).toEqual({
      MemoryMax: String(64 << 20),
      MemoryLow: String(32 << 20),
      MemoryHigh: String(48 << 20),
      MemorySwapMax: String(32 << 20),
      CPUQuotaPerSecUSec: "110ms",
      CPUQuotaPeriodUSec: "50ms",
      TasksMax: "77",
      AllowedCPUs: "0",
      AllowedMemoryNodes: "0",
      DevicePolicy: "strict",
      CPUWeight: "59",
    });
    const { DeviceAllow } = await systemd.show("rune-limits.scope", "DeviceAllow");
    expect(DeviceAllow).toBeDefined();
  } finally {
    process.kill("SIGKILL");
    await process.exited();
    await eventually("the scope is gone", async () => {
      const { ActiveState } = await systemd.show("rune-limits.scope", "ActiveState");
      return ActiveState === "inactive";
    });
  }
});
