// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "bun:test";
import { EINVAL, ENOENT } from "../kernel/constants.ts";
import { RecordingKernel } from "../kernel/recording.ts";
import type { Resources } from "../oci/config-resources.ts";
import type { CgroupDirectory } from "./cgroup.ts";
import { defaultDeviceRules, deviceWrites } from "./devices.ts";
import { applyLimits, hasLimits, limitWrites } from "./limits.ts";

/** "file value" of every write that is not for devices. */
function writes(resources: Resources, version: 1 | 2): string[] {
  return limitWrites(resources, version)
    .filter(({ controller }) => controller !== "devices")
    .map(({ file, value }) => `${file} ${value}`);
}

const mib = 1n << 20n;

test("memory", () => {
  const memory = { limit: 100n * mib, reservation: 50n * mib, swap: 150n * mib, swappiness: 0 };
  expect(writes({ memory: { ...memory, disableOOMKiller: true } }, 1)).toEqual([
    "memory.limit_in_bytes 104857600",
    "memory.soft_limit_in_bytes 52428800",
    "memory.memsw.limit_in_bytes 157286400",
    "memory.swappiness 0",
    "memory.oom_control 1",
  ]);
  expect(writes({ memory }, 2)).toEqual([
    "memory.max 104857600",
    "memory.low 52428800",
    "memory.swap.max 52428800",
  ]);
  expect(writes({ memory: { disableOOMKiller: false } }, 1)).toEqual([]);
});

test("memory without limit, and zero, which stands for not set", () => {
  expect(writes({ memory: { limit: -1n, reservation: -1n, swap: -1n } }, 1)).toEqual([
    "memory.limit_in_bytes -1",
    "memory.soft_limit_in_bytes -1",
    "memory.memsw.limit_in_bytes -1",
  ]);
  expect(writes({ memory: { limit: -1n, reservation: -1n, swap: -1n } }, 2)).toEqual([
    "memory.max max",
    "memory.low max",
    "memory.swap.max max",
  ]);
  for (const version of [1, 2] as const) {
    expect(writes({ memory: { limit: 0n, reservation: 0n, swap: 0n } }, version)).toEqual([]);
  }
});

test("as much swap as memory means none, which version 2 has to be told", () => {
  expect(writes({ memory: { limit: mib, swap: mib } }, 2)).toEqual([
    "memory.max 1048576",
    "memory.swap.max 0",
  ]);
});

test("a swap limit below, or without, the memory limit says nothing in version 2", () => {
  for (const memory of [{ limit: mib, swap: mib - 1n }, { swap: mib }, { limit: -1n, swap: mib }]) {
    expect(() => limitWrites({ memory }, 2)).toThrow("linux.resources.memory.swap");
  }
});

test("cpu", () => {
  const cpu = { shares: 512n, quota: 50_000n, period: 20_000n, burst: 1000n, idle: 0 };
  const realtime = { realtimePeriod: 1_000_000n, realtimeRuntime: 950_000n };
  expect(writes({ cpu: { ...cpu, ...realtime, cpus: "0-1", mems: "0" } }, 1)).toEqual([
    "cpu.shares 512",
    "cpu.cfs_period_us 20000",
    "cpu.cfs_quota_us 50000",
    "cpu.cfs_burst_us 1000",
    "cpu.rt_period_us 1000000",
    "cpu.rt_runtime_us 950000",
    "cpu.idle 0",
    "cpuset.cpus 0-1",
    "cpuset.mems 0",
  ]);
  expect(writes({ cpu: { ...cpu, cpus: "0-1", mems: "" } }, 2)).toEqual([
    "cpu.weight 20",
    "cpu.max 50000 20000",
    "cpu.max.burst 1000",
    "cpu.idle 0",
    "cpuset.cpus 0-1",
  ]);
});

test("cpu.max from half of its values", () => {
  expect(writes({ cpu: { quota: 10_000n } }, 2)).toEqual(["cpu.max 10000 100000"]);
  expect(writes({ cpu: { period: 20_000n } }, 2)).toEqual(["cpu.max max 20000"]);
  expect(writes({ cpu: { quota: -1n } }, 2)).toEqual(["cpu.max max 100000"]);
  expect(writes({ cpu: { quota: 10_000n, period: 0n } }, 2)).toEqual(["cpu.max 10000 100000"]);
});

test("zeros of cpu stand for not set", () => {
  const cpu = {
    shares: 0n,
    quota: 0n,
    period: 0n,
    realtimePeriod: 0n,
    realtimeRuntime: 0n,
    cpus: "",
  };
  for (const version of [1, 2] as const) expect(writes({ cpu }, version)).toEqual([]);
});

test("shares become a weight within what the kernel takes", () => {
  const weight = (shares: bigint) => writes({ cpu: { shares } }, 2)[0];
  expect(weight(1n)).toBe("cpu.weight 1");
  expect(weight(2n)).toBe("cpu.weight 1");
  expect(weight(1024n)).toBe("cpu.weight 39");
  expect(weight(262144n)).toBe("cpu.weight 10000");
  expect(weight(2n ** 64n - 1n)).toBe("cpu.weight 10000");
});

test("pids", () => {
  for (const version of [1, 2] as const) {
    expect(writes({ pids: { limit: 100n } }, version)).toEqual(["pids.max 100"]);
    expect(writes({ pids: { limit: -1n } }, version)).toEqual(["pids.max max"]);
    expect(writes({ pids: { limit: 0n } }, version)).toEqual([]);
    expect(writes({ pids: {} }, version)).toEqual([]);
  }
});

test("unified files are version 2's, in their order", () => {
  const unified = { "memory.high": "1M", "io.weight": "default 50" };
  expect(limitWrites({ unified }, 2)).toEqual([
    { controller: "memory", file: "memory.high", value: "1M" },
    { controller: "io", file: "io.weight", value: "default 50" },
  ]);
  expect(writes({ unified }, 1)).toEqual([]);
});

test("devices: everything denied, the configuration's rules, what every container has", () => {
  const rules = [
    { allow: false, access: "rwm" },
    { allow: true, type: "c", major: 10, minor: 229, access: "rw" },
    { allow: true, type: "b", major: 8, minor: -1 },
    { allow: false, type: "a", major: 1, minor: 2, access: "m" },
  ] as const;
  const lines = deviceWrites(rules).map(({ file, value }) => `${file.slice(8)} ${value}`);
  expect(lines.slice(0, 5)).toEqual([
    "deny a",
    "deny a",
    "allow c 10:229 rw",
    "allow b 8:* rwm",
    "deny a 1:2 m",
  ]);
  expect(lines.slice(5)).toEqual([
    "allow c *:* m",
    "allow b *:* m",
    "allow c 1:3 rwm",
    "allow c 1:8 rwm",
    "allow c 1:7 rwm",
    "allow c 5:0 rwm",
    "allow c 1:5 rwm",
    "allow c 1:9 rwm",
    "allow c 136:* rwm",
    "allow c 5:2 rwm",
  ]);
  expect(deviceWrites([])).toHaveLength(1 + defaultDeviceRules.length);
});

const v1 = (controllers: string[]): CgroupDirectory => ({
  version: 1,
  controllers,
  path: `/cg/${controllers.join(",")}/web`,
});
const v2: CgroupDirectory = { version: 2, controllers: [], path: "/cg/unified/web" };

function host(...files: string[]): RecordingKernel {
  const kernel = new RecordingKernel().directory("/cg/unified/web");
  for (const file of files) kernel.file(`/cg/${file}`, "");
  return kernel;
}

test("each limit goes to the hierarchy that has its controller", () => {
  const kernel = host("memory/web/memory.limit_in_bytes", "unified/web/pids.max");
  applyLimits(kernel, [v1(["memory"]), v2], { memory: { limit: mib }, pids: { limit: 5n } });
  expect(kernel.text("/cg/memory/web/memory.limit_in_bytes")).toBe("1048576");
  expect(kernel.text("/cg/unified/web/pids.max")).toBe("5");
  expect(kernel.openNames()).toEqual([]);
});

test("co-mounted controllers share a directory; devices are written where version 1 has them", () => {
  const kernel = host(
    "cpu,cpuacct/web/cpu.shares",
    "devices/web/devices.deny",
    "devices/web/devices.allow",
  );
  applyLimits(kernel, [v1(["cpu", "cpuacct"]), v1(["devices"])], { cpu: { shares: 7n } });
  expect(kernel.text("/cg/cpu,cpuacct/web/cpu.shares")).toBe("7");
  expect(kernel.calls.filter((call) => call.startsWith("write"))).toHaveLength(1 + 11);
});

test("a limit without a controller, a hierarchy or a file is an error", () => {
  const code = (code: string, text: string) =>
    expect.objectContaining({ code, message: expect.stringContaining(text) });
  const memory = { memory: { limit: mib } };
  expect(() => applyLimits(host(), [v1(["pids"])], memory)).toThrow(
    code("CGROUP", "no cgroup hierarchy with the memory controller"),
  );
  expect(() => applyLimits(host(), [], memory)).toThrow(code("CGROUP", "memory.max"));
  expect(() => applyLimits(host(), [v2], memory)).toThrow(code("CGROUP", "no such limit here"));
  const refused = host("unified/web/memory.max").fail("write /cg/unified/web/memory.max", EINVAL);
  expect(() => applyLimits(refused, [v2], memory)).toThrow(
    code("SYSCALL", "write `1048576` to `/cg/unified/web/memory.max`"),
  );
  expect(refused.openNames()).toEqual([]);
});

test("a unified limit is not dropped where version 1 has its controller", () => {
  const unified = { "memory.high": "1M" };
  expect(() => applyLimits(host(), [v1(["memory"]), v2], { unified })).toThrow(
    "version 1 hierarchy",
  );
});

test("limits that cannot be set yet are refused; what engines write for nothing is not", () => {
  const unsupported: Resources[] = [
    { blockIO: { weight: 10 } },
    { blockIO: { throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1n }] } },
    { hugepageLimits: [{ pageSize: "2MB", limit: 0n }] },
    { network: { classID: 1 } },
    { rdma: { mlx5_0: { hcaHandles: 3 } } },
  ];
  for (const resources of unsupported) {
    const name = Object.keys(resources)[0];
    expect(() => applyLimits(host(), [v2], resources)).toThrow(`linux.resources.${name}`);
  }
  const nothing = {
    blockIO: { weight: 0, weightDevice: [] },
    hugepageLimits: [],
    network: {},
    rdma: {},
  };
  applyLimits(host(), [v2], nothing);
});

test("whether limits are asked for", () => {
  expect(hasLimits({})).toBe(false);
  expect(hasLimits({ devices: [{ allow: false }], memory: {}, cpu: { shares: 0n } })).toBe(false);
  expect(hasLimits({ pids: { limit: 7n } })).toBe(true);
  expect(hasLimits({ memory: { swappiness: 1 } })).toBe(true);
  expect(hasLimits({ unified: { "memory.high": "1" } })).toBe(true);
});

test("ENOENT is the only failure with another name", () => {
  const kernel = host("unified/web/memory.max").fail("open /cg/unified/web/memory.max", ENOENT);
  expect(() => applyLimits(kernel, [v2], { memory: { limit: 1n } })).toThrow("no such limit here");
});
