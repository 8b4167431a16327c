// SPDX-License-Identifier: Apache-2.0
/** Names, properties, devices and annotations of a unit: what systemd would be told. */
import { expect, test } from "bun:test";
import type { Resources } from "../oci/config-resources.ts";
import { annotationProperties } from "./systemd-annotations.ts";
import { deviceProperties } from "./systemd-devices.ts";
import type { Property } from "./systemd-manager.ts";
import { expandSlice, parseScopeName } from "./systemd-name.ts";
import { resourceProperties } from "./systemd-properties.ts";

const infinity = (1n << 64n) - 1n;
const values = (properties: readonly Property[]) =>
  Object.fromEntries(properties.map(([name, { value }]) => [name, value]));
const told = (resources: Resources, version: 1 | 2 = 2, systemd = 252) =>
  values(resourceProperties(resources, version, systemd));

test("slice:prefix:name", () => {
  const name = (path: string, user = false) => parseScopeName(path, "web", user);
  expect(name("")).toEqual({ slice: "system.slice", unit: "rune-web.scope" });
  expect(name("", true)).toEqual({ slice: "user.slice", unit: "rune-web.scope" });
  expect(name("machine.slice:libpod:0123")).toEqual({
    slice: "machine.slice",
    unit: "libpod-0123.scope",
  });
  expect(name(":docker:x")).toEqual({ slice: "system.slice", unit: "docker-x.scope" });
  for (const bad of [
    "/a/b",
    "a.slice:b",
    "a.slice:b:c:d",
    "a.slice:b:",
    "a.slice::b.slice",
    "a:b:c",
    "a.slice:b:c d",
    "a.slice:b:c/d",
    "../x.slice:b:c",
    `a.slice:b:${"c".repeat(250)}`,
  ]) {
    expect(() => name(bad), bad).toThrow("config `linux.cgroupsPath`");
  }
  expect(() => parseScopeName("", "a+b", false)).toThrow("no name that systemd allows");
});

test("where a slice's cgroup is", () => {
  expect(expandSlice("-.slice")).toBe("");
  expect(expandSlice("system.slice")).toBe("/system.slice");
  expect(expandSlice("a-b-c.slice")).toBe("/a.slice/a-b.slice/a-b-c.slice");
  for (const bad of ["", "a", ".slice", "-a.slice", "a-.slice", "a--b.slice", "a/b.slice"]) {
    expect(() => expandSlice(bad), bad).toThrow("no name of a slice");
  }
});

test("limits of version 2", () => {
  expect(told({})).toEqual({});
  expect(
    told({ memory: { limit: 100n, reservation: 50n, swap: 150n }, pids: { limit: 7n } }),
  ).toEqual({ MemoryMax: 100n, MemoryLow: 50n, MemorySwapMax: 50n, TasksMax: 7n });
  expect(told({ memory: { limit: -1n }, pids: { limit: -1n } })).toEqual({
    MemoryMax: infinity,
    MemorySwapMax: infinity,
    TasksMax: infinity,
  });
  expect(told({ memory: { limit: 100n, swap: 50n } })).toEqual({ MemoryMax: 100n });
  expect(told({ cpu: { shares: 2n } })).toEqual({ CPUWeight: 1n });
  expect(told({ cpu: { shares: 1024n, idle: 1 } })).toEqual({ CPUWeight: 0n });
  expect(told({ cpu: { idle: 1 } }, 2, 251)).toEqual({});
  expect(told({ blockIO: { weight: 100 } })).toEqual({});
});

test("limits of version 1", () => {
  const resources = { memory: { limit: 100n, swap: 200n }, cpu: { shares: 512n } };
  expect(told({ ...resources, blockIO: { weight: 100 } }, 1)).toEqual({
    MemoryLimit: 100n,
    CPUShares: 512n,
    BlockIOWeight: 100n,
  });
  expect(told({ unified: { "pids.max": "5" } }, 1)).toEqual({});
});

test("a quota is rounded up to whole percents", () => {
  const quota = (quota: bigint, period?: bigint, systemd = 252) =>
    told({ cpu: { quota, ...(period === undefined ? {} : { period }) } }, 2, systemd);
  expect(quota(50_000n, 100_000n)).toEqual({
    CPUQuotaPeriodUSec: 100_000n,
    CPUQuotaPerSecUSec: 500_000n,
  });
  expect(quota(50_000n)).toEqual({ CPUQuotaPerSecUSec: 500_000n });
  expect(quota(5_001n, 100_000n, 241)).toEqual({ CPUQuotaPerSecUSec: 60_000n });
  expect(quota(-1n)).toEqual({ CPUQuotaPerSecUSec: infinity });
  expect(told({ cpu: { period: 1000n } })).toEqual({
    CPUQuotaPeriodUSec: 1000n,
    CPUQuotaPerSecUSec: infinity,
  });
});

test("lists of CPUs are bits", () => {
  const cpus = (list: string) => told({ cpu: { cpus: list } })["AllowedCPUs"] as unknown;
  expect(cpus("0")).toEqual(new Uint8Array([1]));
  expect(cpus("0-2,9\n")).toEqual(new Uint8Array([7, 2]));
  expect(cpus("16")).toEqual(new Uint8Array([0, 0, 1]));
  expect(told({ cpu: { mems: "0" } })).toEqual({ AllowedMemoryNodes: new Uint8Array([1]) });
  expect(told({ cpu: { cpus: "0" } }, 2, 243)).toEqual({});
  for (const bad of ["a", "2-1", "1,,2", "-1", "99999", "0-"]) {
    expect(() => cpus(bad), bad).toThrow("no list of numbers");
  }
});

test("files of version 2 as they are, where systemd has a property", () => {
  expect(
    told({
      unified: {
        "memory.high": "100",
        "memory.max": "max",
        "cpu.max": "50000 100000",
        "cpu.weight": "7",
        "cpuset.cpus": "1",
        "hugetlb.2MB.max": "1",
      },
    }),
  ).toEqual({
    MemoryHigh: 100n,
    MemoryMax: infinity,
    CPUQuotaPeriodUSec: 100_000n,
    CPUQuotaPerSecUSec: 500_000n,
    CPUWeight: 7n,
    AllowedCPUs: new Uint8Array([2]),
  });
  expect(told({ unified: { "cpu.max": "max" } })).toEqual({ CPUQuotaPerSecUSec: infinity });
  expect(() => told({ unified: { "memory.max": "1G" } })).toThrow("a number or `max`");
});

const procDevices =
  "Character devices:\n  1 mem\n136 pts\n\nBlock devices:\n  7 loop\n259 blkext\n";

test("devices", () => {
  const entries = (...rules: Parameters<typeof deviceProperties>[0] & object) =>
    values(deviceProperties(rules, procDevices));
  const usual = entries({ allow: false, access: "rwm" });
  expect(usual["DevicePolicy"]).toBe("strict");
  expect(usual["DeviceAllow"]).toEqual([
    ["char-*", "m"],
    ["block-*", "m"],
    ["/dev/char/1:3", "rwm"],
    ["/dev/char/1:8", "rwm"],
    ["/dev/char/1:7", "rwm"],
    ["/dev/char/5:0", "rwm"],
    ["/dev/char/1:5", "rwm"],
    ["/dev/char/1:9", "rwm"],
    ["char-pts", "rwm"],
    ["/dev/char/5:2", "rwm"],
  ]);
  const more = entries(
    { allow: false },
    { allow: true, type: "b", major: 7, access: "r" },
    { allow: true, type: "b", major: 7, access: "w" },
    { allow: true, type: "c", major: 10, minor: 229, access: "rwm" },
    { allow: false, type: "c", major: 10, minor: 229, access: "m" },
    { allow: true, type: "c", major: 77, access: "rw" }, // no such driver
    { allow: true, type: "b", major: 8, minor: 1, access: "r" },
    { allow: false, type: "b", major: 8, minor: 1, access: "r" },
  );
  expect((more["DeviceAllow"] as unknown[]).slice(0, 2)).toEqual([
    ["block-loop", "rw"],
    ["/dev/char/10:229", "rw"],
  ]);
  expect(entries({ allow: true, type: "a" })).toEqual({ DevicePolicy: "auto", DeviceAllow: [] });
});

test("annotations", () => {
  const prefix = "org.systemd.property.";
  expect(
    annotationProperties({
      "org.example": "x",
      [`${prefix}TimeoutStopUSec`]: "uint64 5",
      [`${prefix}TimeoutStopSec`]: "uint32 2",
      [`${prefix}RuntimeMaxSec`]: "1.5",
      [`${prefix}CollectMode`]: "'inactive'",
      [`${prefix}Sec`]: "1",
    }),
  ).toEqual([
    ["TimeoutStopUSec", { signature: "t", value: 5n }],
    ["TimeoutStopUSec", { signature: "t", value: 2_000_000n }],
    ["RuntimeMaxUSec", { signature: "t", value: 1_500_000n }],
    ["CollectMode", { signature: "s", value: "inactive" }],
    ["Sec", { signature: "i", value: 1n }],
  ]);
  const bad: Record<string, string> = {
    [`${prefix}`]: "1",
    [`${prefix}A1b`]: "1",
    [`${prefix}ab`]: "1",
    [`${prefix}Some.Thing`]: "1",
    [`${prefix}Description`]: "no quotes",
    [`${prefix}TimeoutStopSec`]: "'5'",
    [`${prefix}RuntimeMaxSec`]: "-5",
  };
  for (const [key, text] of Object.entries(bad)) {
    expect(() => annotationProperties({ [key]: text }), key).toThrow(key.slice(prefix.length));
  }
});
