// SPDX-License-Identifier: Apache-2.0
/**
 * What a container uses, in the shape that runc's `events` has (its types/events.go), which engines
 * parse: keys in its order; what is marked `?` is left out where it is zero or empty.
 */
import type { Kernel } from "../kernel/kernel.ts";
import type { CgroupDirectory } from "./cgroup.ts";
import { StatFiles } from "./stat-files.ts";
import * as v1 from "./stats-v1.ts";
import * as v2 from "./stats-v2.ts";

export type Stats = {
  readonly cpu: CpuStats;
  readonly cpuset: CpusetStats;
  readonly memory: MemoryStats;
  readonly pids: PidsStats;
  readonly blkio: BlkioStats;
  /** By page size: "2MB". */
  readonly hugetlb: Readonly<Record<string, HugetlbStats>>;
  /** Empty where the container has no group of the resctrl file system. */
  readonly intel_rdt: object;
  /** runc knows only interfaces that it made itself, which it does for no OCI container. */
  readonly network_interfaces: null;
};

/** Times are nanoseconds. */
export type CpuStats = {
  readonly usage: {
    readonly total?: bigint;
    readonly percpu?: readonly bigint[];
    readonly percpu_kernel?: readonly bigint[];
    readonly percpu_user?: readonly bigint[];
    readonly kernel: bigint;
    readonly user: bigint;
  };
  readonly throttling: {
    readonly periods?: bigint;
    readonly throttledPeriods?: bigint;
    readonly throttledTime?: bigint;
  };
  readonly psi?: Pressure;
};

export type CpusetStats = {
  readonly cpus?: readonly number[];
  readonly cpu_exclusive: bigint;
  readonly mems?: readonly number[];
  readonly mem_hardwall: bigint;
  readonly mem_exclusive: bigint;
  readonly memory_migrate: bigint;
  readonly memory_spread_page: bigint;
  readonly memory_spread_slab: bigint;
  readonly memory_pressure: bigint;
  readonly sched_load_balance: bigint;
  readonly sched_relax_domain_level: bigint;
};

/** Bytes. */
export type MemoryUse = {
  readonly limit: bigint;
  readonly usage?: bigint;
  readonly max?: bigint;
  readonly failcnt: bigint;
};

export type MemoryStats = {
  readonly cache?: bigint;
  readonly usage: MemoryUse;
  /** Memory and swap together, also for version 2. */
  readonly swap: MemoryUse;
  readonly kernel: MemoryUse;
  readonly kernelTCP: MemoryUse;
  /** memory.stat, keys in alphabetical order. */
  readonly raw?: Readonly<Record<string, bigint>>;
  readonly psi?: Pressure;
};

export type PidsStats = { readonly current?: bigint; readonly limit?: bigint };

export type BlkioEntry = {
  readonly major?: bigint;
  readonly minor?: bigint;
  readonly op?: string;
  readonly value?: bigint;
};

/** Lists that are empty are left out. */
export type BlkioStats = {
  readonly ioServiceBytesRecursive?: readonly BlkioEntry[];
  readonly ioServicedRecursive?: readonly BlkioEntry[];
  readonly ioQueueRecursive?: readonly BlkioEntry[];
  readonly ioServiceTimeRecursive?: readonly BlkioEntry[];
  readonly ioWaitTimeRecursive?: readonly BlkioEntry[];
  readonly ioMergedRecursive?: readonly BlkioEntry[];
  readonly ioTimeRecursive?: readonly BlkioEntry[];
  readonly sectorsRecursive?: readonly BlkioEntry[];
  readonly psi?: Pressure;
};

export type HugetlbStats = {
  readonly usage?: bigint;
  readonly max?: bigint;
  readonly failcnt: bigint;
};

/** Shares of time in percent, and microseconds in all: Documentation/accounting/psi.rst. */
export type PressureLine = {
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
  readonly total: bigint;
};
export type Pressure = { readonly some: PressureLine; readonly full: PressureLine };

/** Each controller where this host has it; one that it has nowhere counts nothing. */
export function readStats(kernel: Kernel, directories: readonly CgroupDirectory[]): Stats {
  const files = (controller: string) => {
    const own = directories.find(({ controllers }) => controllers.includes(controller));
    return own === undefined ? undefined : new StatFiles(kernel, own.path);
  };
  const unified = directories.find(({ version }) => version === 2);
  const shared = new StatFiles(kernel, unified?.path);
  const [cpu, cpuacct, cpuset, memory, pids, blkio, hugetlb] = [
    files("cpu"),
    files("cpuacct"),
    files("cpuset"),
    files("memory"),
    files("pids"),
    files("blkio"),
    files("hugetlb"),
  ];
  return {
    cpu:
      cpu === undefined && cpuacct === undefined
        ? v2.cpuStats(shared)
        : v1.cpuStats(cpu ?? cpuacct ?? shared, cpuacct ?? shared),
    cpuset: cpuset === undefined ? v2.cpusetStats(shared) : v1.cpusetStats(cpuset),
    memory: memory === undefined ? v2.memoryStats(shared) : v1.memoryStats(memory),
    pids: pids === undefined ? v2.pidsStats(shared) : v1.pidsStats(pids),
    blkio: blkio === undefined ? v2.blkioStats(shared) : v1.blkioStats(blkio),
    hugetlb: hugetlb === undefined ? v2.hugetlbStats(shared) : v1.hugetlbStats(hugetlb),
    intel_rdt: {},
    network_interfaces: null,
  };
}
