// SPDX-License-Identifier: Apache-2.0
/** What limits of config.json do to the files of a container's cgroups, beside runc where it can. */
import { expect } from "bun:test";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type JsonObject, moreMounts } from "../support/bundle.ts";
import { comparison, except, needs, only, runtimeName } from "../support/runtime.ts";
import { Sandbox } from "../support/sandbox.ts";
import {
  limit,
  removeParents,
  settings,
  version1,
  version2,
  withoutControllers,
  withoutUnified,
  withoutVersion1,
} from "./files.ts";

const v1 = needs(withoutVersion1("memory", "cpu", "cpuset", "pids", "blkio"));
const v2 = needs(withoutUnified("memory", "cpu", "cpuset", "pids"));
const mib = 1 << 20;
const disk = findDisk();

/** A container's configuration with these limits, its cgroup named after the sandbox. */
function limited(sandbox: Sandbox, resources: JsonObject): JsonObject {
  return { linux: { cgroupsPath: `/${sandbox.mark}`, resources } };
}

async function filesOf(resources: JsonObject, ...files: string[]): Promise<string[]> {
  await using sandbox = new Sandbox();
  await sandbox.started(limited(sandbox, resources));
  return files.map((file) => `${file} ${limit(file, sandbox.mark)}`);
}

/** What version 2 has no file for, or Debian's runc converts as runc did before 1.3.2. */
const version1Alone = new Set([
  "memory and swappiness",
  "memory without the OOM killer",
  "real time",
  "shares",
]);

const everything: Record<string, JsonObject> = {
  "memory with swap": { memory: { limit: 64 * mib, swap: 96 * mib, reservation: 32 * mib } },
  "memory and swappiness": { memory: { limit: 64 * mib, swappiness: 0 } },
  "memory without limit": { memory: { limit: -1, swap: -1, reservation: -1 } },
  "memory without the OOM killer": { memory: { limit: 64 * mib, disableOOMKiller: true } },
  "kernel memory, which is ignored": { memory: { kernel: 64 * mib, kernelTCP: 64 * mib } },
  shares: { cpu: { shares: 200 } },
  "cpu time": { cpu: { quota: 50_000, period: 20_000 } },
  "cpu time without limit": { cpu: { quota: -1, period: 50_000 } },
  "cpus and memory nodes": { cpu: { cpus: "0", mems: "0" } },
  // Only kernels with CONFIG_RT_GROUP_SCHED have it.
  ...(existsSync(join(version1("cpu")?.mountPoint ?? "", "cpu.rt_period_us"))
    ? { "real time": { cpu: { realtimePeriod: 500_000, realtimeRuntime: 0 } } }
    : {}),
  processes: { pids: { limit: 77 } },
  "processes without limit": { pids: { limit: -1 } },
  "nothing, as engines write it": {
    memory: { limit: 0, reservation: 0, swap: 0, kernel: 0, disableOOMKiller: false },
    cpu: { shares: 0, quota: 0, period: 0, realtimeRuntime: 0, realtimePeriod: 0, cpus: "" },
    blockIO: { weight: 0, weightDevice: [], throttleReadBpsDevice: [] },
    network: {},
  },
  ...(disk === undefined
    ? {}
    : {
        weights: { blockIO: { weight: 500 } },
        throttles: {
          blockIO: {
            throttleReadBpsDevice: [{ ...disk, rate: mib }],
            throttleWriteBpsDevice: [{ ...disk, rate: 2 * mib }],
            throttleReadIOPSDevice: [{ ...disk, rate: 1000 }],
            throttleWriteIOPSDevice: [{ ...disk, rate: 2000 }],
          },
        },
      }),
};

const neither = withoutControllers("memory", "cpu", "cpuset", "pids");
for (const [what, resources] of Object.entries(everything)) {
  const missing = version1Alone.has(what) ? withoutVersion1("memory", "cpu") : neither;
  const compare = missing === undefined ? comparison : needs(missing);
  // covers: linux.resources.pids.limit, linux.resources.memory.limit,
  //   linux.resources.memory.reservation, linux.resources.memory.swap,
  //   linux.resources.memory.kernel, linux.resources.memory.kernelTCP,
  //   linux.resources.memory.swappiness, linux.resources.memory.disableOOMKiller,
  //   linux.resources.cpu.shares, linux.resources.cpu.quota, linux.resources.cpu.period,
  //   linux.resources.cpu.cpus, linux.resources.cpu.mems, linux.resources.cpu.realtimeRuntime,
  //   linux.resources.cpu.realtimePeriod, linux.resources.blockIO.weight,
  //   linux.resources.blockIO.throttleReadBpsDevice,
  //   linux.resources.blockIO.throttleWriteBpsDevice,
  //   linux.resources.blockIO.throttleReadIOPSDevice,
  //   linux.resources.blockIO.throttleWriteIOPSDevice
  compare(`as with runc: ${what}`, async () => {
    const found = [];
    for (const runtime of ["rune", "runc"] as const) {
      await using sandbox = new Sandbox(runtime);
      await sandbox.started(limited(sandbox, resources));
      found.push([...settings(sandbox.mark)]);
    }
    expect(found[0]?.length).toBeGreaterThan(20);
    expect(found[0]).toEqual(found[1] ?? []);
  });
}

v1("version 1: values are those of the configuration", async () => {
  const resources = {
    memory: { limit: 64 * mib, swap: 96 * mib, reservation: 32 * mib, swappiness: 7 },
    cpu: { shares: 512, quota: 50_000, period: 20_000, cpus: "0" },
    pids: { limit: 77 },
  };
  const expected = [
    `memory.limit_in_bytes ${64 * mib}`,
    `memory.memsw.limit_in_bytes ${96 * mib}`,
    `memory.soft_limit_in_bytes ${32 * mib}`,
    "memory.swappiness 7",
    "cpu.shares 512",
    "cpu.cfs_quota_us 50000",
    "cpu.cfs_period_us 20000",
    "cpuset.cpus 0",
    "pids.max 77",
  ];
  const files = expected.map((line) => line.split(" ")[0] ?? "");
  expect(await filesOf(resources, ...files)).toEqual(expected);
});

const bursts =
  runtimeName === "rune" ? v1 : only("rune", "1.1.5 has no burst, and idle in v2 alone");

// covers: linux.resources.cpu.burst, linux.resources.cpu.idle
bursts("version 1: burst and idle", async () => {
  const burst = await filesOf({ cpu: { quota: 50_000, burst: 20_000 } }, "cpu.cfs_burst_us");
  expect(burst).toEqual(["cpu.cfs_burst_us 20000"]);
  expect(await filesOf({ cpu: { idle: 1, shares: 512 } }, "cpu.idle")).toEqual(["cpu.idle 1"]);
});

// covers: linux.resources.memory.limit, linux.resources.cpu.shares, linux.resources.cpu.quota
v2("version 2: values are converted", async () => {
  const resources = {
    memory: { limit: 64 * mib, swap: 96 * mib, reservation: 32 * mib },
    cpu: { shares: 1024, quota: 50_000, period: 20_000, cpus: "0" },
    pids: { limit: 77 },
  };
  const expected = [
    `memory.max ${64 * mib}`,
    `memory.swap.max ${32 * mib}`,
    `memory.low ${32 * mib}`,
    `cpu.weight ${runtimeName === "runc" ? 39 : 100}`, // runc 1.1.5 has the old curve
    "cpu.max 50000 20000",
    "cpuset.cpus 0",
    "pids.max 77",
  ];
  const files = expected.map((line) => line.split(" ")[0] ?? "");
  expect(await filesOf(resources, ...files)).toEqual(expected);
});

v2("version 2: files of `unified` come last", async () => {
  const unified = { "memory.high": "33554432", "pids.max": "55", "cgroup.max.depth": "4" };
  const files = Object.keys(unified);
  expect(await filesOf({ pids: { limit: 77 }, unified }, ...files)).toEqual([
    "memory.high 33554432",
    "pids.max 55",
    "cgroup.max.depth 4",
  ]);
});

const hugePages = only("rune", "on hybrid hosts it knows version 1 alone");
const hasHugePages = version2("hugetlb") !== undefined;
const huge = hasHugePages ? hugePages : needs("needs the cgroup v2 controller hugetlb");

huge(
  "huge pages are limited where version 2 has their controller, on a hybrid host too",
  async () => {
    const limits = { hugepageLimits: [{ pageSize: "2MB", limit: 4 * mib }] };
    expect(await filesOf(limits, "hugetlb.2MB.max", "hugetlb.2MB.rsvd.max")).toEqual([
      `hugetlb.2MB.max ${4 * mib}`,
      `hugetlb.2MB.rsvd.max ${4 * mib}`,
    ]);
  },
);

// covers: linux.resources.hugepageLimits
huge("no huge pages, as the kubelet sends it, also of sizes that are not there", async () => {
  const limits = ["2MB", "1GB", "64KB"].map((pageSize) => ({ pageSize, limit: 0 }));
  expect(await filesOf({ hugepageLimits: limits }, "hugetlb.2MB.max")).toEqual([
    "hugetlb.2MB.max 0",
  ]);
});

// covers: linux.resources.unified
huge("files of version 2 can be named on a hybrid host", async () => {
  const unified = { "hugetlb.2MB.max": "2097152", "cgroup.max.descendants": "9" };
  expect(await filesOf({ unified }, ...Object.keys(unified))).toEqual([
    "hugetlb.2MB.max 2097152",
    "cgroup.max.descendants 9",
  ]);
});

const zeroPids = only("rune", "1.1.5 takes 0 for not set, 1.4 for a limit");

zeroPids("a pids limit of 0 is a limit: a program that cannot fork", async () => {
  await using sandbox = new Sandbox();
  const fork = { process: { args: ["/bin/sh", "-c", "/bin/true; /bin/true"] } };
  const { status, stderr } = await sandbox.run(limited(sandbox, { pids: { limit: 0 } }), fork);
  expect(status).not.toBe(0);
  expect(stderr).toContain("fork");
});

const v2Rune = runtimeName === "rune" ? v2 : only("rune", "has other words");

v2Rune("version 2: burst and idle", async () => {
  const burst = { quota: 50_000, burst: 20_000 };
  expect(await filesOf({ cpu: burst }, "cpu.max", "cpu.max.burst")).toEqual([
    "cpu.max 50000 100000",
    "cpu.max.burst 20000",
  ]);
  expect(await filesOf({ cpu: { idle: 1, shares: 512 } }, "cpu.idle")).toEqual(["cpu.idle 1"]);
});

v2Rune("version 2: a cgroup whose parent has processes gets no limits, and says why", async () => {
  await using sandbox = new Sandbox();
  const holder = await sandbox.started({ linux: { cgroupsPath: `/${sandbox.mark}` } });
  const { status, stderr } = await sandbox.run({
    linux: { cgroupsPath: `/${sandbox.mark}/below`, resources: { memory: { limit: 64 * mib } } },
  });
  expect(stderr).toContain("the cgroup above has processes of its own");
  expect(status).toBe(1);
  await sandbox.must(["delete", "--force", holder]);
  await sandbox.expectNothingLeft();
});

v2("version 2: a container that exceeds its memory is killed", async () => {
  await using sandbox = new Sandbox();
  const { status } = await sandbox.run(
    limited(sandbox, { memory: { limit: 16 * mib, swap: 16 * mib } }),
    moreMounts({ destination: "/fill", type: "tmpfs", source: "tmpfs", options: ["size=64m"] }),
    { process: { args: ["/bin/dd", "if=/dev/zero", "of=/fill/file", "bs=1M", "count=60"] } },
  );
  expect(status).toBe(137);
});

const threads =
  version2() === undefined ? needs("needs cgroup v2") : only("rune", "1.1.5 joins no such");

threads("below a threaded cgroup a container is threaded, too", async () => {
  await using sandbox = new Sandbox();
  const top = join(version2()?.mountPoint ?? "", sandbox.mark);
  mkdirSync(join(top, "threaded"), { recursive: true });
  writeFileSync(join(top, "threaded/cgroup.type"), "threaded");
  const path = `/${sandbox.mark}/threaded/web`;
  const id = await sandbox.started({ linux: { cgroupsPath: path } });
  expect(readFileSync(join(top, "threaded/web/cgroup.type"), "utf8")).toBe("threaded\n");
  const { pid } = await sandbox.state(id);
  expect(readFileSync(`/proc/${pid}/cgroup`, "utf8")).toContain(`0::${path}\n`);
  await sandbox.must(["delete", "--force", id]);
  removeParents(`${sandbox.mark}/threaded`, sandbox.mark);
  await sandbox.expectNothingLeft();
});

except("crun", "1.8.1 warns of nothing")("warnings say which limits are ignored", async () => {
  await using sandbox = new Sandbox();
  const memory = { kernel: 5 * mib, kernelTCP: 5 * mib };
  const { status, stderr } = await sandbox.run(limited(sandbox, { memory }));
  expect(status).toBe(0);
  expect(stderr).toContain("warning");
  expect(stderr.toLowerCase()).toContain("kernel");
});

/** Major and minor number of the machine's first disk. */
function findDisk(): { major: number; minor: number } | undefined {
  for (const name of ["vda", "sda", "nvme0n1"]) {
    const path = `/sys/class/block/${name}/dev`;
    if (!existsSync(path) || !statSync(path).isFile()) continue;
    const [major, minor] = readFileSync(path, "utf8").trim().split(":").map(Number);
    if (major !== undefined && minor !== undefined) return { major, minor };
  }
  return undefined;
}
