// SPDX-License-Identifier: Apache-2.0
/** `linux.resources` as writes to cgroup files; devices are in `devices.ts` (version 1) and `device-access.ts` (version 2). */
import { RuneError } from "../errors/error.ts";
import { ENOENT } from "../kernel/constants.ts";
import { type Kernel, unlessErrno, writeFile } from "../kernel/kernel.ts";
import { isInUserNamespace } from "../kernel/user-namespace.ts";
import type { CpuResources, MemoryResources, Resources } from "../oci/config-resources.ts";
import type { CgroupDirectory } from "./cgroup.ts";
import { limitDevices } from "./device-access.ts";
import { deviceWrites } from "./devices.ts";

/** One value for one file of one controller, in the order the kernel wants them. */
export type LimitWrite = {
  readonly controller: string;
  readonly file: string;
  readonly value: string;
};

/** Sets every limit the resources name. A limit whose controller the host lacks is an error. */
export function applyLimits(
  kernel: Kernel,
  directories: readonly CgroupDirectory[],
  resources: Resources,
): void {
  refuseUnsupported(resources);
  const v1 = directories.filter(({ version }) => version === 1);
  const unified = directories.find(({ version }) => version === 2);
  // The kernel takes rules for devices from the host's root alone; others can make none anyway.
  const rulesDevices = isHostRoot(kernel);
  for (const write of limitWrites(resources, 1)) {
    const own = v1.find(({ controllers }) => controllers.includes(write.controller));
    if (own === undefined) continue;
    if (write.controller === "devices" && !rulesDevices) continue;
    set(kernel, own.path, write);
  }
  const covered = new Set(v1.flatMap(({ controllers }) => controllers));
  const inV1 = Object.keys(resources.unified ?? {}).find((file) => covered.has(controllerOf(file)));
  if (inV1 !== undefined) throw notUnified(inV1);
  for (const write of limitWrites(resources, 2)) {
    if (covered.has(write.controller)) continue;
    if (unified === undefined) throw missing(write);
    set(kernel, unified.path, write);
  }
  if (unified !== undefined && !covered.has("devices")) {
    limitDevices(kernel, unified.path, resources.devices ?? []);
  }
}

function isHostRoot(kernel: Kernel): boolean {
  return kernel.euid() === 0 && !isInUserNamespace(kernel);
}

/** True when a limit is asked for; rules for devices are in every configuration and do not count. */
export function hasLimits(resources: Resources): boolean {
  const { devices: _, ...limits } = resources;
  return limitWrites(limits, 2).length + limitWrites(limits, 1).length > deviceWrites([]).length;
}

/** What to write for a cgroup version; pure. As in runc, 0 stands for "not set" but where 0 is a value. */
export function limitWrites(resources: Resources, version: 1 | 2): LimitWrite[] {
  const { memory = {}, cpu = {}, pids, unified = {} } = resources;
  const common =
    version === 1 ? [...memoryV1(memory), ...cpuV1(cpu)] : [...memoryV2(memory), ...cpuV2(cpu)];
  if (pids?.limit !== undefined && pids.limit !== 0n) {
    const value = pids.limit < 0n ? "max" : String(pids.limit);
    common.push({ controller: "pids", file: "pids.max", value });
  }
  if (version === 1) return [...common, ...deviceWrites(resources.devices ?? [])];
  const own = Object.entries(unified).map(([file, value]) => {
    return { controller: controllerOf(file), file, value };
  });
  return [...common, ...own];
}

function memoryV1({
  limit,
  reservation,
  swap,
  swappiness,
  disableOOMKiller,
}: MemoryResources): LimitWrite[] {
  return present("memory", [
    ["memory.limit_in_bytes", unlessZero(limit)],
    ["memory.soft_limit_in_bytes", unlessZero(reservation)],
    ["memory.memsw.limit_in_bytes", unlessZero(swap)],
    ["memory.swappiness", swappiness],
    ["memory.oom_control", disableOOMKiller === true ? 1 : undefined],
  ]);
}

function memoryV2({ limit, reservation, swap }: MemoryResources): LimitWrite[] {
  return present("memory", [
    ["memory.max", orMax(limit)],
    ["memory.low", orMax(reservation)],
    ["memory.swap.max", swapMax(limit, swap)],
  ]);
}

/** Version 1 and config.json count swap together with memory, version 2 apart. */
function swapMax(limit: bigint | undefined, swap: bigint | undefined): string | undefined {
  if (swap === undefined || swap === 0n) return undefined;
  if (swap < 0n) return "max";
  if (limit !== undefined && limit > 0n && swap >= limit) return String(swap - limit);
  throw new RuneError({
    code: "CONFIG_INVALID",
    doing: `config \`linux.resources.memory.swap\`: set \`${swap}\``,
    reason: "it counts memory and swap together: it cannot be less than, or without, `limit`",
  });
}

function cpuV1(cpu: CpuResources): LimitWrite[] {
  return [
    ...present("cpu", [
      ["cpu.shares", unlessZero(cpu.shares)],
      ["cpu.cfs_period_us", unlessZero(cpu.period)],
      ["cpu.cfs_quota_us", unlessZero(cpu.quota)],
      ["cpu.cfs_burst_us", cpu.burst],
      ["cpu.rt_period_us", unlessZero(cpu.realtimePeriod)],
      ["cpu.rt_runtime_us", unlessZero(cpu.realtimeRuntime)],
      ["cpu.idle", cpu.idle],
    ]),
    ...cpuset(cpu),
  ];
}

function cpuV2(cpu: CpuResources): LimitWrite[] {
  const [quota, period] = [unlessZero(cpu.quota), unlessZero(cpu.period)];
  const max =
    quota === undefined && period === undefined
      ? undefined
      : `${orMax(quota) ?? "max"} ${period ?? 100_000n}`;
  return [
    ...present("cpu", [
      ["cpu.weight", weightOf(unlessZero(cpu.shares))],
      ["cpu.max", max],
      ["cpu.max.burst", cpu.burst],
      ["cpu.idle", cpu.idle],
    ]),
    ...cpuset(cpu),
  ];
}

/** 2 to 262144 shares on 1 to 10000; the kernel cuts shares beyond that, a weight it refuses. */
function weightOf(shares: bigint | undefined): bigint | undefined {
  if (shares === undefined) return undefined;
  const cut = shares < 2n ? 2n : shares > 262144n ? 262144n : shares;
  return 1n + ((cut - 2n) * 9999n) / 262142n;
}

function cpuset({ cpus, mems }: CpuResources): LimitWrite[] {
  return present("cpuset", [
    ["cpuset.cpus", cpus === "" ? undefined : cpus],
    ["cpuset.mems", mems === "" ? undefined : mems],
  ]);
}

function unlessZero(value: bigint | undefined): bigint | undefined {
  return value === 0n ? undefined : value;
}

function orMax(value: bigint | undefined): string | undefined {
  if (value === undefined || value === 0n) return undefined;
  return value < 0n ? "max" : String(value);
}

/** "memory.high" is the memory controller's. */
function controllerOf(file: string): string {
  return file.slice(0, file.indexOf("."));
}

type Value = bigint | number | string | undefined;

function present(controller: string, values: readonly (readonly [string, Value])[]): LimitWrite[] {
  return values
    .filter(([, value]) => value !== undefined)
    .map(([file, value]) => ({ controller, file, value: String(value) }));
}

function set(kernel: Kernel, path: string, { file, value }: LimitWrite): void {
  const written = unlessErrno(() => {
    writeFile(kernel, `${path}/${file}`, value);
    return true;
  }, ENOENT);
  if (written === true) return;
  throw new RuneError({
    code: "CGROUP",
    doing: `set \`${file}\` to \`${value}\``,
    reason: "the kernel has no such limit here",
  });
}

function missing({ file, controller }: LimitWrite): RuneError {
  return new RuneError({
    code: "CGROUP",
    doing: `set \`${file}\``,
    reason: `no cgroup hierarchy with the ${controller} controller is mounted`,
  });
}

function notUnified(file: string): RuneError {
  return new RuneError({
    code: "CGROUP",
    doing: `set \`${file}\``,
    reason: "this host has the controller in a version 1 hierarchy",
  });
}

function refuseUnsupported(resources: Resources): void {
  const { blockIO, hugepageLimits, network, rdma } = resources;
  const unsupported = Object.entries({ blockIO, hugepageLimits, network, rdma }).find(([, value]) =>
    Object.values(value ?? {}).some(isAsked),
  );
  if (unsupported === undefined) return;
  throw new RuneError({
    code: "CONFIG_UNSUPPORTED",
    doing: `config \`linux.resources.${unsupported[0]}\``,
    reason: "this limit cannot be set yet",
  });
}

/** Engines write `"blockIO": { "weight": 0 }` and empty lists for what nobody asked for. */
function isAsked(value: unknown): boolean {
  return value !== undefined && value !== 0 && !(Array.isArray(value) && value.length === 0);
}
