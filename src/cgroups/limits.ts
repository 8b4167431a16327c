// SPDX-License-Identifier: Apache-2.0
/** `linux.resources` as writes to cgroup files; the devices controller is in `devices.ts`. */
import { RuneError } from "../errors/error.ts";
import { ENOENT } from "../kernel/constants.ts";
import { type Kernel, unlessErrno, writeFile } from "../kernel/kernel.ts";
import type { CpuResources, MemoryResources, Resources } from "../oci/config-resources.ts";
import type { CgroupDirectory } from "./cgroup.ts";
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
  for (const write of limitWrites(resources, 1)) {
    const own = v1.find(({ controllers }) => controllers.includes(write.controller));
    if (own !== undefined) set(kernel, own.path, write);
  }
  const covered = new Set(v1.flatMap(({ controllers }) => controllers));
  for (const write of limitWrites(resources, 2)) {
    if (covered.has(write.controller)) continue;
    if (unified === undefined) throw missing(write);
    set(kernel, unified.path, write);
  }
}

/** What to write for a cgroup version; pure. */
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
    return { controller: file.split(".")[0] ?? "", file, value };
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
    ["memory.limit_in_bytes", limit],
    ["memory.soft_limit_in_bytes", reservation],
    ["memory.memsw.limit_in_bytes", swap],
    ["memory.swappiness", swappiness],
    ["memory.oom_control", disableOOMKiller === true ? 1 : undefined],
  ]);
}

function memoryV2({ limit, reservation, swap }: MemoryResources): LimitWrite[] {
  // Version 1 counts swap together with memory, version 2 apart.
  const swapOnly =
    swap === undefined || swap === 0n || limit === undefined || limit <= 0n || swap < 0n
      ? swap
      : swap - limit;
  return present("memory", [
    ["memory.max", orMax(limit)],
    ["memory.low", reservation],
    ["memory.swap.max", orMax(swapOnly)],
  ]);
}

function cpuV1(cpu: CpuResources): LimitWrite[] {
  return [
    ...present("cpu", [
      ["cpu.shares", cpu.shares === 0n ? undefined : cpu.shares],
      ["cpu.cfs_period_us", cpu.period],
      ["cpu.cfs_quota_us", cpu.quota],
      ["cpu.cfs_burst_us", cpu.burst],
      ["cpu.rt_period_us", cpu.realtimePeriod],
      ["cpu.rt_runtime_us", cpu.realtimeRuntime],
      ["cpu.idle", cpu.idle],
    ]),
    ...cpuset(cpu),
  ];
}

function cpuV2(cpu: CpuResources): LimitWrite[] {
  const { shares, quota, period = 100_000n } = cpu;
  const weight =
    shares === undefined || shares === 0n ? undefined : 1n + ((shares - 2n) * 9999n) / 262142n;
  const max =
    quota === undefined && cpu.period === undefined
      ? undefined
      : `${quota === undefined || quota <= 0n ? "max" : quota} ${period}`;
  return [
    ...present("cpu", [
      ["cpu.weight", weight],
      ["cpu.max", max],
      ["cpu.max.burst", cpu.burst],
      ["cpu.idle", cpu.idle],
    ]),
    ...cpuset(cpu),
  ];
}

function cpuset({ cpus, mems }: CpuResources): LimitWrite[] {
  return present("cpuset", [
    ["cpuset.cpus", cpus === "" ? undefined : cpus],
    ["cpuset.mems", mems === "" ? undefined : mems],
  ]);
}

function orMax(value: bigint | undefined): string | undefined {
  if (value === undefined || value === 0n) return undefined;
  return value < 0n ? "max" : String(value);
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

function refuseUnsupported(resources: Resources): void {
  const { blockIO, hugepageLimits, network, rdma } = resources;
  const unsupported = Object.entries({ blockIO, hugepageLimits, network, rdma }).find(
    ([, value]) => value !== undefined && Object.keys(value).length > 0,
  );
  if (unsupported === undefined) return;
  throw new RuneError({
    code: "CONFIG_UNSUPPORTED",
    doing: `config \`linux.resources.${unsupported[0]}\``,
    reason: "this limit cannot be set yet",
  });
}
