// SPDX-License-Identifier: Apache-2.0
/**
 * --systemd-cgroup against a stand-in for systemd on a real bus: what it is asked, and that containers
 * are where it puts them. real.test.ts has a real one, in version 2.
 */
import { expect } from "bun:test";
import { readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { type JsonObject, shell } from "../support/bundle.ts";
import { eventually } from "../support/command.ts";
import { CriuSandbox, criuObstacle } from "../support/criu.ts";
import { cgroups } from "../support/leftovers.ts";
import { needs, runtimeName } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";
import { busObstacle, propertiesIn, Systemd } from "../support/systemd.ts";

/** runc asks the real system bus alone (go-systemd). */
const test = needs(runtimeName === "runc" ? "runc: knows no other system bus" : busObstacle);

type Machine<S> = { sandbox: S; systemd: Systemd } & AsyncDisposable;
type Parameters = ConstructorParameters<typeof Sandbox>;

/** A sandbox whose calls of rune find the stand-in. */
async function machine(): Promise<Machine<Sandbox>>;
async function machine<S extends Sandbox>(kind: new (...of: Parameters) => S): Promise<Machine<S>>;
async function machine(kind = Sandbox): Promise<Machine<Sandbox>> {
  const systemd = await Systemd.start();
  const sandbox = new kind(runtimeName, { flags: ["--systemd-cgroup"], env: systemd.env });
  return {
    sandbox,
    systemd,
    [Symbol.asyncDispose]: async () => {
      await sandbox[Symbol.asyncDispose]();
      removeSlices(sandbox);
      await systemd[Symbol.asyncDispose]();
    },
  };
}

/** In hierarchies that systemd does not manage the directories of slices stay, as with runc. */
function removeSlices(sandbox: Sandbox): void {
  for (const hierarchy of readdirSync("/sys/fs/cgroup")) {
    for (const slice of [sliceOf(sandbox), "system.slice"]) {
      try {
        rmdirSync(join("/sys/fs/cgroup", hierarchy, slice));
      } catch {
        // not there, or in use by others
      }
    }
  }
}

/** Slice names have no dash within a part; the sandbox's mark has. */
function sliceOf(sandbox: Sandbox): string {
  return `${sandbox.mark.replaceAll("-", "_")}.slice`;
}

const sleeping: JsonObject = { process: { args: ["/bin/sleep", "1000"] } };

function inSlice(sandbox: Sandbox, name: string, change: JsonObject = {}): JsonObject {
  return { linux: { cgroupsPath: `${sliceOf(sandbox)}:test:${name}`, ...change } };
}

// covers: --systemd-cgroup, linux.cgroupsPath
test("a container runs in the scope that was asked for", async () => {
  await using it = await machine();
  const { sandbox, systemd } = it;
  const slice = sliceOf(sandbox);
  const id = await sandbox.started(inSlice(sandbox, sandbox.mark));
  const { pid } = await sandbox.state(id);
  const paths = readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().split("\n");
  const expected = `/${slice}/test-${sandbox.mark}.scope`;
  for (const line of paths) expect(line.split(":").slice(2).join(":")).toBe(expected);
  expect(Object.fromEntries(systemd.properties())).toMatchObject({
    Slice: slice,
    Delegate: true,
    DefaultDependencies: false,
    MemoryAccounting: true,
    CPUAccounting: true,
    TasksAccounting: true,
    CollectMode: "inactive-or-failed",
    DevicePolicy: "strict",
  });
  expect(systemd.noted().filter(({ refused }) => refused !== undefined)).toEqual([]);
  expect((await sandbox.must(["exec", id, "cat", "/proc/self/cgroup"])).stdout).not.toBe("");
  await sandbox.must(["kill", id, "KILL"]);
  await sandbox.reaches(id, "stopped");
  await sandbox.must(["delete", id]);
  await sandbox.expectNothingLeft();
});

test("what goes over the bus is what another decoder reads", async () => {
  await using it = await machine();
  const { sandbox, systemd } = it;
  sandbox.configure(
    sleeping,
    inSlice(sandbox, sandbox.mark, {
      resources: {
        memory: { limit: 64 << 20 },
        pids: { limit: 55 },
        cpu: { shares: 512, cpus: "0" },
      },
    }),
    { annotations: { "org.systemd.property.TimeoutStopSec": "uint32 3" } },
  );
  await sandbox.must(["run", "--detach", sandbox.id()]);
  const heard = await eventually("the monitor has it", () => {
    const text = systemd.heard();
    return text.includes("JobRemoved") && text.replace(/\s+/g, " ");
  });
  for (const text of [
    `string "test-${sandbox.mark}.scope" string "replace"`,
    `string "MemoryLimit" variant uint64 ${64 << 20}`,
    `string "CPUShares" variant uint64 512`,
    `string "AllowedCPUs" variant array of bytes [ 01 ]`,
    `string "TimeoutStopUSec" variant uint64 3000000`,
    `string "Delegate" variant boolean true`,
    `struct { string "/dev/char/1:3" string "rwm" }`,
  ]) {
    expect(heard).toContain(text);
  }
});

test("without a path the scope is named after the container, in system.slice", async () => {
  await using it = await machine();
  const { sandbox, systemd } = it;
  const id = await sandbox.started();
  expect(systemd.noted().find(({ member }) => member === "StartTransientUnit")?.body?.[0]).toBe(
    `rune-${id}.scope`,
  );
  expect(readFileSync(`/proc/${(await sandbox.state(id)).pid}/cgroup`, "utf8")).toContain(
    `:name=systemd:/system.slice/rune-${id}.scope`,
  );
});

test("a foreground run leaves nothing, and gives the program's status", async () => {
  await using it = await machine();
  const { sandbox, systemd } = it;
  const { status, stderr } = await sandbox.run(inSlice(sandbox, sandbox.mark), shell("exit 9"));
  expect([status, stderr]).toEqual([9, ""]);
  await sandbox.expectNothingLeft();
  await eventually("the scope is gone", () => {
    return systemd.noted().some(({ collected }) => collected === `test-${sandbox.mark}.scope`);
  });
});

/** A monitor leaves all of it to `rune delete`, the hooks too. */
test("poststop hooks of a foreground run run once, and when they fail the log has it", async () => {
  await using it = await machine();
  const { sandbox } = it;
  const ran = join(sandbox.path, "ran");
  const log = join(sandbox.path, "log");
  const hook = (script: string) => ({ path: "/bin/sh", args: ["sh", "-c", script] });
  const poststop = [hook(`echo once >> ${ran}`), hook("exit 3")];
  const starts = [hook(`echo started >> ${ran}`)];
  sandbox.configure(inSlice(sandbox, sandbox.mark), shell("exit 9"), {
    hooks: { createRuntime: starts, poststop },
  });
  const { status } = await sandbox.call(["--log", log, "run", sandbox.id()]);
  expect(status).toBe(9);
  expect(readFileSync(ran, "utf8")).toBe("started\nonce\n");
  expect(readFileSync(log, "utf8")).toMatch(/level=warning msg="poststop hooks: [^"]*3/);
  await sandbox.expectNothingLeft();
});

test("delete --force stops the unit and makes systemd forget it", async () => {
  await using it = await machine();
  const { sandbox, systemd } = it;
  const id = await sandbox.started(inSlice(sandbox, sandbox.mark));
  await sandbox.must(["delete", "--force", id]);
  expect(systemd.noted().map(({ member }) => member)).toContain("StopUnit");
  await sandbox.expectNothingLeft();
});

test("the unit that a container had is stopped whatever the flags are then", async () => {
  await using it = await machine();
  const { sandbox, systemd } = it;
  const id = await sandbox.started(inSlice(sandbox, sandbox.mark));
  sandbox.flags = [];
  await sandbox.must(["delete", "--force", id]);
  expect(systemd.noted().map(({ member }) => member)).toContain("StopUnit");
});

test("the unit of another container is not taken, and not stopped", async () => {
  await using it = await machine();
  const { sandbox, systemd } = it;
  const id = await sandbox.started(inSlice(sandbox, sandbox.mark));
  const { status, stderr } = await sandbox.call(["run", "--detach", sandbox.id()]);
  expect(status).toBe(1);
  expect(stderr).toMatch(/not empty|already loaded/);
  expect((await sandbox.state(id)).status).toBe("running");
  expect(sandbox.containers()).toEqual([id]);
  expect(systemd.noted().filter(({ member }) => member === "StopUnit")).toEqual([]);
});

test("a unit that systemd cannot start is an error, and leaves nothing", async () => {
  await using it = await machine();
  const { sandbox, systemd } = it;
  systemd.failJobs();
  sandbox.configure(sleeping, inSlice(sandbox, sandbox.mark));
  const { status, stderr } = await sandbox.call(["run", sandbox.id()]);
  expect(status).toBe(1);
  expect(stderr).toContain("systemd's job ended as `failed`");
  expect(sandbox.containers()).toEqual([]);
  await eventually("the cgroup is gone", () => cgroups(sandbox.mark).length === 0);
});

test("what systemd refuses is told, and leaves nothing", async () => {
  await using it = await machine();
  const { sandbox } = it;
  const cases: readonly (readonly [JsonObject, RegExp])[] = [
    [{ annotations: { "org.systemd.property.NoSuch": "true" } }, /NoSuch has type b/],
    [{ annotations: { "org.systemd.property.TimeoutStopSec": "soon" } }, /TimeoutStopSec/],
    [{ linux: { cgroupsPath: "/not/a/unit" } }, /slice:prefix:name/],
  ];
  for (const [change, message] of cases) {
    sandbox.configure(sleeping, inSlice(sandbox, sandbox.mark), change);
    const { status, stderr } = await sandbox.call(["create", sandbox.id()]);
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
    await sandbox.expectNothingLeft();
  }
});

test("no systemd is one clear error, and leaves nothing", async () => {
  await using sandbox = new Sandbox(runtimeName, {
    flags: ["--systemd-cgroup"],
    env: { PATH: process.env["PATH"] ?? "", DBUS_SYSTEM_BUS_ADDRESS: "unix:path=/no/such/bus" },
  });
  sandbox.configure(sleeping);
  const { status, stderr } = await sandbox.call(["create", sandbox.id()]);
  expect(status).toBe(1);
  expect(stderr).toContain("reach the system's systemd");
  expect(stderr).toContain("code=DBUS");
  await sandbox.expectNothingLeft();
});

test("update tells systemd, and a limit of one process does not stop the start", async () => {
  await using it = await machine();
  const { sandbox, systemd } = it;
  const id = await sandbox.started(
    inSlice(sandbox, sandbox.mark, { resources: { pids: { limit: 1 } } }),
  );
  const told = () => {
    const calls = systemd.noted().filter(({ member }) => member === "SetUnitProperties");
    return calls.map(({ body }) => Object.fromEntries(propertiesIn(body?.[2])));
  };
  expect(told()).toEqual([{ TasksMax: "1" }]);
  await sandbox.must(["update", "--pids-limit", "30", "--cpu-quota", "50000", id]);
  expect(told().slice(1)).toEqual([{ TasksMax: "30", CPUQuotaPerSecUSec: "500000" }]);
  const path = `${sliceOf(sandbox)}/test-${sandbox.mark}.scope`;
  expect(readFileSync(`/sys/fs/cgroup/pids/${path}/pids.max`, "utf8")).toBe("30\n");
  expect(readFileSync(`/sys/fs/cgroup/cpu/${path}/cpu.cfs_quota_us`, "utf8")).toBe("50000\n");
});

test("pause, kill --all and ps work in a scope", async () => {
  await using it = await machine();
  const { sandbox } = it;
  const id = await sandbox.started(inSlice(sandbox, sandbox.mark));
  await sandbox.must(["pause", id]);
  expect((await sandbox.state(id)).status).toBe("paused");
  await sandbox.must(["resume", id]);
  expect(JSON.parse((await sandbox.must(["ps", "-f", "json", id])).stdout)).toHaveLength(1);
  await sandbox.must(["kill", "--all", id, "KILL"]);
  await sandbox.reaches(id, "stopped");
});

// covers: checkpoint, restore
needs(runtimeName === "runc" ? "runc: knows no other system bus" : (busObstacle ?? criuObstacle))(
  "a checkpoint ends the scope, a restored container is in a new one, with its limits",
  async () => {
    await using it = await machine(CriuSandbox);
    const { sandbox, systemd } = it;
    const resources = { pids: { limit: 55 }, memory: { limit: 64 << 20 } };
    const id = await sandbox.runs(inSlice(sandbox, sandbox.mark, { resources }));
    const scope = `test-${sandbox.mark}.scope`;
    await sandbox.checkpoint(id);
    await sandbox.expectNothingLeft();
    await sandbox.restore(id);
    const started = systemd.noted().filter(({ member, body }) => {
      return member === "StartTransientUnit" && body?.[0] === scope;
    });
    expect(started).toHaveLength(2);
    expect(systemd.properties().get("MemoryLimit")).toBe(String(64 << 20));
    const inside = await sandbox.must(["exec", id, "cat", "/proc/self/cgroup"]);
    expect(inside.stdout).toContain(scope);
    await sandbox.must(["delete", "--force", id]);
    await sandbox.expectNothingLeft();
  },
);
