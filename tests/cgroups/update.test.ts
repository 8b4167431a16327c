// SPDX-License-Identifier: Apache-2.0
/** `update`: what changes in the files of a container's cgroups, what stays, and what it refuses. */
import { expect } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type JsonObject, shell } from "../support/bundle.ts";
import { comparison, except, needs, only, runtimeName } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";
import {
  limit,
  settings,
  version1,
  withoutControllers,
  withoutUnified,
  withoutVersion1,
} from "./files.ts";

const v1 = needs(withoutVersion1("memory", "cpu", "cpuset", "pids", "blkio"));
const v2 = needs(withoutUnified("memory", "cpu", "pids"));
/** For what is the same in both versions. */
const either = needs(withoutControllers("memory", "cpu", "cpuset", "pids"));
const mib = 1 << 20;

/** A running container with these limits. */
async function started(sandbox: Sandbox, resources: JsonObject = {}): Promise<string> {
  return await sandbox.started({ linux: { cgroupsPath: `/${sandbox.mark}`, resources } });
}

const before: JsonObject = {
  memory: { limit: 64 * mib, swap: 96 * mib, reservation: 16 * mib },
  cpu: { shares: 512, quota: 50_000, period: 100_000 },
  pids: { limit: 99 },
};

const withoutShares = { ...before, cpu: { quota: 50_000, period: 100_000 } };

/**
 * What Debian's runc does otherwise in version 2: it has the old curve for shares, and forgets that a sum of
 * memory and swap was asked for.
 */
const version1Alone = new Set([
  "memory",
  "shares",
  "an object on standard input",
  "the kubelet's whole object",
  "weight",
]);

/** Calls that containerd, the kubelet and people make; runc 1.1.5 does all of them. */
const calls: Record<string, { flags?: string[]; stdin?: JsonObject }> = {
  memory: { flags: ["--memory", "80m"] },
  "memory and swap": { flags: ["--memory", "200m", "--memory-swap", "300m"] },
  "no limits on memory": { flags: ["--memory", "-1"] },
  "no limits at all": { flags: ["--memory=-1", "--cpu-quota=-1", "--pids-limit=-1"] },
  reservation: { flags: ["--memory-reservation", "20m"] },
  shares: { flags: ["--cpu-share", "100"] },
  "quota and period": { flags: ["--cpu-quota", "30000", "--cpu-period", "60000"] },
  cpus: { flags: ["--cpuset-cpus", "0", "--cpuset-mems", "0"] },
  processes: { flags: ["--pids-limit", "20"] },
  weight: { flags: ["--blkio-weight", "300"] },
  "an object on standard input": {
    flags: ["--resources", "-"],
    stdin: { memory: { limit: 90 * mib }, cpu: { shares: 77 }, pids: { limit: 12 } },
  },
  "the kubelet's whole object": {
    flags: ["--resources=-"],
    stdin: {
      devices: [{ allow: true, access: "rwm" }],
      memory: { limit: 90 * mib, swap: 0, reservation: 0, kernel: 0 },
      cpu: { shares: 2048, quota: 20_000, period: 100_000, cpus: "", mems: "" },
      blockIO: { weight: 0 },
      hugepageLimits: [{ pageSize: "2MB", limit: 0 }],
    },
  },
};

const neither = withoutControllers("memory", "cpu", "cpuset", "pids");
for (const [what, { flags = [], stdin }] of Object.entries(calls)) {
  const missing = version1Alone.has(what) ? withoutVersion1("memory", "cpu") : neither;
  const compare = missing === undefined ? comparison : needs(missing);
  // covers: update, update --resources, update --memory, update --memory-swap,
  //   update --memory-reservation, update --cpu-quota, update --cpu-period, update --cpu-share,
  //   update --cpuset-cpus, update --cpuset-mems, update --pids-limit, update --blkio-weight
  compare(`as with runc: ${what}`, async () => {
    const found = [];
    for (const runtime of ["rune", "runc"] as const) {
      await using sandbox = new Sandbox(runtime);
      const id = await started(sandbox, version1Alone.has(what) ? before : withoutShares);
      const input = stdin === undefined ? {} : { stdin: JSON.stringify(stdin) };
      await sandbox.must(["update", ...flags, id], input);
      // runc passes huge pages over; that they are limited is tested beside the other limits.
      found.push([...settings(sandbox.mark)].filter(([name]) => !name.includes("hugetlb")));
    }
    expect(found[0]).toEqual(found[1] ?? []);
  });
}

except(
  "crun",
  "1.8.1 takes bytes without a unit alone",
  v1,
)("version 1: what is named changes, what is not stays", async () => {
  await using sandbox = new Sandbox();
  const id = await started(sandbox, before);
  const read = () =>
    [
      "memory.limit_in_bytes",
      "memory.memsw.limit_in_bytes",
      "cpu.shares",
      "cpu.cfs_quota_us",
      "cpu.cfs_period_us",
      "pids.max",
    ].map((file) => limit(file, sandbox.mark));
  const [memory, swap] = [String(64 * mib), String(96 * mib)];
  await sandbox.must(["update", "--cpu-quota", "70000", id]);
  expect(read()).toEqual([memory, swap, "512", "70000", "100000", "99"]);
  await sandbox.must(["update", "--pids-limit", "33", id]);
  expect(read()).toEqual([memory, swap, "512", "70000", "100000", "33"]);
  await sandbox.must(["update", "--memory", "32m", "--cpu-share", "200", id]);
  expect(read()).toEqual([String(32 * mib), swap, "200", "70000", "100000", "33"]);
});

const kept = runtimeName === "rune" ? v2 : only("rune", "1.1.5 forgets in version 2 what was set");

kept("version 2: what is named changes, what is not stays", async () => {
  await using sandbox = new Sandbox();
  const id = await started(sandbox, before);
  const read = () =>
    ["memory.max", "memory.swap.max", "cpu.max", "pids.max"].map((file) =>
      limit(file, sandbox.mark),
    );
  expect(read()).toEqual([String(64 * mib), String(32 * mib), "50000 100000", "99"]);
  await sandbox.must(["update", "--cpu-quota", "70000", id]);
  expect(read()).toEqual([String(64 * mib), String(32 * mib), "70000 100000", "99"]);
  await sandbox.must(["update", "--memory", "80m", id]); // the sum of 96m stays
  expect(read()).toEqual([String(80 * mib), String(16 * mib), "70000 100000", "99"]);
  await sandbox.must(["update", "--cpu-period", "50000", "--pids-limit", "-1", id]);
  expect(read()).toEqual([String(80 * mib), String(16 * mib), "70000 50000", "max"]);
  await sandbox.must(["update", "--memory", "-1", "--cpu-quota", "-1", id]);
  expect(read()).toEqual(["max", "max", "max 50000", "max"]);
});

except(
  "crun",
  "1.8.1 takes bytes without a unit alone",
  either,
)("a container that is created, and one that is paused, can be updated", async () => {
  await using sandbox = new Sandbox();
  const cgroup = { linux: { cgroupsPath: `/${sandbox.mark}` } };
  const id = await sandbox.created(cgroup);
  await sandbox.must(["update", "--pids-limit", "40", id]);
  expect(limit("pids.max", sandbox.mark)).toBe("40");
  await sandbox.must(["start", id]);
  await sandbox.must(["pause", id]);
  await sandbox.must(["update", "--pids-limit", "50", "--memory", "64m", id]);
  expect(limit("pids.max", sandbox.mark)).toBe("50");
  expect((await sandbox.state(id)).status).toBe("paused");
  await sandbox.must(["resume", id]);
  expect((await sandbox.state(id)).status).toBe("running");
});

const less = only("rune", "1.1.5 takes no flags beside an object, and less of it");
const bothTold = withoutVersion1("memory", "cpu") === undefined ? less : v1;

// covers: update --cpu-burst, update --cpu-idle
bothTold("flags count before the object, and every field of it is set", async () => {
  await using sandbox = new Sandbox();
  const id = await started(sandbox, before);
  const stdin = JSON.stringify({
    pids: { limit: 12 },
    cpu: { idle: 0, burst: 1000, quota: 40_000 },
    memory: { swappiness: 11 },
  });
  await sandbox.must(["update", "--pids-limit", "13", "-r", "-", id], { stdin });
  expect(limit("pids.max", sandbox.mark)).toBe("13");
  expect(limit("cpu.cfs_burst_us", sandbox.mark)).toBe("1000");
  expect(limit("cpu.cfs_quota_us", sandbox.mark)).toBe("40000");
  expect(limit("memory.swappiness", sandbox.mark)).toBe("11");
  await sandbox.must(["update", "--cpu-burst", "500", id]);
  expect(limit("cpu.cfs_burst_us", sandbox.mark)).toBe("500");
  await sandbox.must(["update", "--cpu-idle", "1", id]);
  expect(limit("cpu.idle", sandbox.mark)).toBe("1");
  await sandbox.must(["update", "--cpu-idle", "0", "--cpu-share", "300", id]);
  expect(limit("cpu.shares", sandbox.mark)).toBe("300");
});

const bothToldV2 = withoutUnified("cpu") === undefined ? less : v2;

bothToldV2("version 2: flags count before the object, and every field of it is set", async () => {
  await using sandbox = new Sandbox();
  const id = await started(sandbox, before);
  const read = () =>
    ["pids.max", "cpu.max", "cpu.max.burst", "cpu.idle", "memory.high"].map((file) =>
      limit(file, sandbox.mark),
    );
  const stdin = JSON.stringify({
    pids: { limit: 12 },
    cpu: { idle: 0, burst: 1000, quota: 40_000 },
    unified: { "memory.high": "33554432" },
  });
  await sandbox.must(["update", "--pids-limit", "13", "-r", "-", id], { stdin });
  expect(read()).toEqual(["13", "40000 100000", "1000", "0", "33554432"]);
  await sandbox.must(["update", "--cpu-idle", "1", "--cpu-burst", "500", id]);
  expect(read()).toEqual(["13", "40000 100000", "500", "1", "33554432"]);
  const { stderr } = await sandbox.call(["update", "--cpu-share", "300", id]);
  expect(stderr).toContain("the cgroup is idle");
  await sandbox.must(["update", "--cpu-idle", "0", "--cpu-share", "1024", id]);
  expect(limit("cpu.weight", sandbox.mark)).toBe("100");
});

either("a file is read, too", async () => {
  await using sandbox = new Sandbox();
  const id = await started(sandbox, before);
  writeFileSync(join(sandbox.path, "limits.json"), JSON.stringify({ pids: { limit: 21 } }));
  await sandbox.must(["update", "-r", join(sandbox.path, "limits.json"), id]);
  expect(limit("pids.max", sandbox.mark)).toBe("21");
});

except(
  "crun",
  "1.8.1 obeys it",
  v1,
)("access to devices stays what it is, whatever the object says", async () => {
  await using sandbox = new Sandbox();
  const top = join(version1("devices")?.mountPoint ?? "", sandbox.mark);
  const id = await started(sandbox, { devices: [{ allow: false, access: "rwm" }] });
  const list = () => readFileSync(join(top, "devices.list"), "utf8");
  const rules = list();
  const stdin = JSON.stringify({ devices: [{ allow: true, access: "rwm" }], pids: { limit: 9 } });
  await sandbox.must(["update", "--resources", "-", id], { stdin });
  expect(list()).toBe(rules);
  expect(rules).not.toContain("a *:* rwm");
});

either("the new limit is felt", async () => {
  await using sandbox = new Sandbox();
  const wait = "while [ ! -e /tmp/go ]; do :; done";
  const fork = "for i in 1 2 3 4 5; do sleep 1000 & done; echo forked";
  const id = sandbox.id();
  sandbox.configure(shell(`${wait}; ${fork}`));
  using running = sandbox.begin(["run", id]);
  await sandbox.reaches(id, "running");
  await sandbox.must(["update", "--pids-limit", "3", id]);
  writeFileSync(join(sandbox.bundle.rootfs, "tmp/go"), "");
  const { status, stdout, stderr } = await running.result();
  expect([status === 0, stdout]).toEqual([false, ""]);
  expect(stderr).toContain("can't fork");
});

const restores = runtimeName === "rune" ? either : needs(withoutVersion1("memory", "cpu"));

// In version 2 runc 1.1.5 puts back only what it has in its state.
except(
  "crun",
  "it has no version 2 cgroup here, see callOf",
  restores,
)("a limit that fails changes nothing, and says what failed", async () => {
  await using sandbox = new Sandbox();
  const id = await started(sandbox, before);
  const earlier = [...settings(sandbox.mark)];
  const flags = ["--memory", "48m", "--cpu-share", "300", "--cpuset-cpus", "4000"];
  const { status, stderr } = await sandbox.call(["update", ...flags, id]);
  expect(status).toBe(1);
  expect(stderr).toContain("cpuset.cpus");
  expect([...settings(sandbox.mark)]).toEqual(earlier);
});

except(
  "crun",
  "1.8.1 exits with 64 where it takes no such flag",
  either,
)("what cannot be updated", async () => {
  await using sandbox = new Sandbox();
  const gone = sandbox.id();
  expect((await sandbox.call(["update", "--memory", "64m", gone])).status).toBe(1);
  const id = await started(sandbox);
  for (const flags of [["--memory", "lots"], ["--resources", "/nonexistent"], ["--frob"]]) {
    expect((await sandbox.call(["update", ...flags, id])).status).toBe(1);
  }
  const rdt = await sandbox.call(["update", "--l3-cache-schema", "L3:0=f", id]);
  expect(rdt.status).toBe(1);
  if (runtimeName === "rune") expect(rdt.stderr).toContain("no resctrl file system is mounted");
  const faulty = { stdin: '{"memory": {"limit": "64m"}}' };
  const { status, stderr } = await sandbox.call(["update", "--resources", "-", id], faulty);
  expect(status).toBe(1);
  if (runtimeName === "rune") expect(stderr).toContain("resources `memory.limit`: expected");
  await sandbox.must(["kill", id, "KILL"]);
  await sandbox.reaches(id, "stopped");
  expect((await sandbox.call(["update", "--memory", "64m", id])).status).toBe(1);
});

const realTime = needs(
  withoutVersion1("cpu") ??
    (existsSync("/sys/fs/cgroup/cpu/cpu.rt_runtime_us")
      ? undefined
      : "needs a kernel with RT_GROUP_SCHED"),
);

// covers: update --cpu-rt-period, update --cpu-rt-runtime
realTime("version 1: the budget for real time", async () => {
  await using sandbox = new Sandbox();
  const id = await started(sandbox, before);
  const read = () => ["cpu.rt_period_us", "cpu.rt_runtime_us"].map((f) => limit(f, sandbox.mark));
  expect(read()).toEqual(["1000000", "0"]);
  await sandbox.must(["update", "--cpu-rt-period", "500000", id]);
  expect(read()).toEqual(["500000", "0"]);
  // More than the groups above have to give away: the kernel's answer, and all stays.
  const above = ["--cpu-rt-period", "400000", "--cpu-rt-runtime", "400001"];
  expect((await sandbox.call(["update", ...above, id])).status).toBe(1);
  expect(read()[1]).toBe("0");
  if (runtimeName === "rune") expect(read()[0]).toBe("500000");
});
