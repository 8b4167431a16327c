// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "bun:test";
import { EINVAL } from "../kernel/constants.ts";
import type { CpuResources } from "../oci/config-resources.ts";
import { weightOf } from "./cpu.ts";
import { applyLimits } from "./limits.ts";
import { applied, changed, directoryOf, empty, hostWith, writesOf } from "./testing.ts";

const v1Files = empty(
  "cpu.shares",
  "cpu.cfs_period_us",
  "cpu.cfs_quota_us",
  "cpu.cfs_burst_us",
  "cpu.rt_period_us",
  "cpu.rt_runtime_us",
  "cpu.idle",
  "cpuset.cpus",
  "cpuset.mems",
);
const v2Files = {
  "cpu.weight": "100\n",
  "cpu.max": "max 100000\n",
  "cpu.max.burst": "0\n",
  "cpu.idle": "0\n",
  "cpuset.cpus": "\n",
  "cpuset.mems": "\n",
};
const v1 = (cpu: CpuResources, files = v1Files) => applied(1, { cpu }, files);
const v2 = (cpu: CpuResources, files: Record<string, string> = v2Files) =>
  applied(2, { cpu }, files);

test("version 1", () => {
  const cpu = { shares: 512n, quota: 50_000n, period: 20_000n, burst: 1000n, idle: 0 };
  const realtime = { realtimePeriod: 1_000_000n, realtimeRuntime: 950_000n };
  expect(v1({ ...cpu, ...realtime, cpus: "0-1", mems: "0" })).toEqual([
    "cpu.idle 0",
    "cpu.shares 512",
    "cpu.cfs_period_us 20000",
    "cpu.cfs_quota_us 50000",
    "cpu.cfs_burst_us 1000",
    "cpu.rt_period_us 1000000",
    "cpu.rt_runtime_us 950000",
    "cpuset.cpus 0-1",
    "cpuset.mems 0",
  ]);
  expect(v1({ quota: -1n })).toEqual(["cpu.cfs_quota_us -1"]);
});

test("version 2", () => {
  const cpu = { shares: 512n, quota: 50_000n, period: 20_000n, burst: 1000n, idle: 0 };
  expect(v2({ ...cpu, cpus: "0-1", mems: "" })).toEqual([
    "cpu.idle 0",
    "cpu.weight 59",
    "cpu.max 50000 20000",
    "cpu.max.burst 1000",
    "cpuset.cpus 0-1",
  ]);
});

test("zeros stand for not set, but for burst and idle", () => {
  const cpu = { shares: 0n, quota: 0n, period: 0n, realtimePeriod: 0n, realtimeRuntime: 0n };
  expect(v1({ ...cpu, cpus: "", mems: "" })).toEqual([]);
  expect(v2({ ...cpu, cpus: "", mems: "" })).toEqual([]);
  expect(v1({ burst: 0n, idle: 0 })).toEqual(["cpu.idle 0", "cpu.cfs_burst_us 0"]);
  expect(v2({ burst: 0n, idle: 0 })).toEqual(["cpu.idle 0", "cpu.max.burst 0"]);
  // Which is what an older kernel has, too.
  expect(v1({ burst: 0n, idle: 0 }, {})).toEqual([]);
  expect(v2({ burst: 0n, idle: 0 }, {})).toEqual([]);
  expect(() => v1({ burst: 1n }, {})).toThrow("cpu.cfs_burst_us");
  expect(() => v2({ idle: 1 }, {})).toThrow("cpu.idle");
});

test("cpu.max from half of its values: the other one stays", () => {
  expect(v2({ quota: 10_000n })).toEqual(["cpu.max 10000 100000"]);
  expect(v2({ period: 20_000n })).toEqual(["cpu.max max 20000"]);
  expect(v2({ quota: -1n })).toEqual(["cpu.max max 100000"]);
  const now = { ...v2Files, "cpu.max": "30000 60000\n" };
  expect(changed(2, { cpu: { quota: 10_000n } }, now)).toEqual(["cpu.max 10000 60000"]);
  expect(changed(2, { cpu: { period: 90_000n } }, now)).toEqual(["cpu.max 30000 90000"]);
  expect(changed(2, { cpu: { quota: -1n } }, now)).toEqual(["cpu.max max 60000"]);
  expect(changed(2, { cpu: { quota: 0n, period: 0n } }, now)).toEqual([]);
});

describe("values that bound one another", () => {
  const together = (refused: string, cpu: CpuResources) => {
    const kernel = hostWith(1, v1Files).fail(`write /v1/web/${refused}`, EINVAL);
    return writesOf(kernel, () => applyLimits(kernel, [directoryOf(1)], { cpu }));
  };

  test("are tried again when the others are in place", () => {
    expect(together("cpu.cfs_period_us", { period: 5n, quota: 7n })).toEqual([
      "cpu.cfs_quota_us 7",
      "cpu.cfs_period_us 5",
    ]);
    expect(together("cpu.cfs_burst_us", { burst: 5n, quota: 7n })).toEqual([
      "cpu.cfs_quota_us 7",
      "cpu.cfs_burst_us 5",
    ]);
    expect(together("cpu.rt_period_us", { realtimePeriod: 9n, realtimeRuntime: 8n })).toEqual([
      "cpu.rt_runtime_us 8",
      "cpu.rt_period_us 9",
    ]);
  });

  test("fail when none of them can be written", () => {
    expect(() => together("cpu.cfs_period_us", { period: 5n })).toThrow(
      "write `5` to `/v1/web/cpu.cfs_period_us`: invalid argument",
    );
  });
});

test("an idle cgroup has no shares: they are left out with it, and explained without", () => {
  expect(v1({ shares: 512n, idle: 1 })).toEqual(["cpu.idle 1"]);
  expect(v2({ shares: 512n, idle: 1 })).toEqual(["cpu.idle 1"]);
  const kernel = hostWith(2, { ...v2Files, "cpu.idle": "1\n" });
  kernel.fail("write /v2/web/cpu.weight", EINVAL);
  expect(() => applyLimits(kernel, [directoryOf(2)], { cpu: { shares: 512n } })).toThrow(
    "write `59` to `/v2/web/cpu.weight`: the cgroup is idle: cpu.idle is 1",
  );
});

test("version 1: shares that the kernel cuts are an error", () => {
  for (const [shares, kept, word] of [
    [1n, "2\n", "fewest"],
    [300_000n, "262144\n", "most"],
  ] as const) {
    const kernel = hostWith(1, v1Files);
    kernel.reactions.write = () => kernel.file("/v1/web/cpu.shares", kept);
    expect(() => applyLimits(kernel, [directoryOf(1)], { cpu: { shares } })).toThrow(
      `set \`${shares}\`: the ${word} shares that the kernel takes are ${kept.trim()}`,
    );
  }
});

test("shares become a weight by the curve through both defaults", () => {
  const rows: [bigint, number][] = [
    [1n, 1],
    [2n, 1],
    [3n, 2],
    [100n, 17],
    [256n, 35],
    [512n, 59],
    [1000n, 99],
    [1024n, 100],
    [2048n, 174],
    [262_143n, 10_000],
    [262_144n, 10_000],
    [2n ** 64n - 1n, 10_000],
  ];
  for (const [shares, weight] of rows) expect(weightOf(shares)).toBe(String(weight));
});

test("version 2 has no real-time budget", () => {
  expect(v2({ realtimeRuntime: 5n, realtimePeriod: 9n })).toEqual([]);
});
