// SPDX-License-Identifier: Apache-2.0
/** Made from metrics-v1.proto by `npm run format`. Change that instead. */

import { type Schema, schema } from "../../protobuf/schema.ts";

export type HugetlbStat = {
  readonly usage: bigint;
  readonly max: bigint;
  readonly failcnt: bigint;
  readonly pagesize: string;
};
export const HugetlbStat: Schema<HugetlbStat> = schema("io.containerd.cgroups.v1.HugetlbStat", {
  usage: [1, "uint64"],
  max: [2, "uint64"],
  failcnt: [3, "uint64"],
  pagesize: [4, "string"],
});

export type PidsStat = { readonly current: bigint; readonly limit: bigint };
export const PidsStat: Schema<PidsStat> = schema("io.containerd.cgroups.v1.PidsStat", {
  current: [1, "uint64"],
  limit: [2, "uint64"],
});

export type CPUUsage = {
  readonly total: bigint;
  readonly kernel: bigint;
  readonly user: bigint;
  readonly perCpu: readonly bigint[];
};
export const CPUUsage: Schema<CPUUsage> = schema("io.containerd.cgroups.v1.CPUUsage", {
  total: [1, "uint64"],
  kernel: [2, "uint64"],
  user: [3, "uint64"],
  perCpu: [4, "uint64", "list"],
});

export type Throttle = {
  readonly periods: bigint;
  readonly throttledPeriods: bigint;
  readonly throttledTime: bigint;
};
export const Throttle: Schema<Throttle> = schema("io.containerd.cgroups.v1.Throttle", {
  periods: [1, "uint64"],
  throttledPeriods: [2, "uint64"],
  throttledTime: [3, "uint64"],
});

export type CPUStat = {
  readonly usage: CPUUsage | undefined;
  readonly throttling: Throttle | undefined;
};
export const CPUStat: Schema<CPUStat> = schema("io.containerd.cgroups.v1.CPUStat", {
  usage: [1, CPUUsage],
  throttling: [2, Throttle],
});

export type MemoryEntry = {
  readonly limit: bigint;
  readonly usage: bigint;
  readonly max: bigint;
  readonly failcnt: bigint;
};
export const MemoryEntry: Schema<MemoryEntry> = schema("io.containerd.cgroups.v1.MemoryEntry", {
  limit: [1, "uint64"],
  usage: [2, "uint64"],
  max: [3, "uint64"],
  failcnt: [4, "uint64"],
});

export type MemoryStat = {
  readonly cache: bigint;
  readonly rss: bigint;
  readonly rssHuge: bigint;
  readonly mappedFile: bigint;
  readonly dirty: bigint;
  readonly writeback: bigint;
  readonly pgPgIn: bigint;
  readonly pgPgOut: bigint;
  readonly pgFault: bigint;
  readonly pgMajFault: bigint;
  readonly inactiveAnon: bigint;
  readonly activeAnon: bigint;
  readonly inactiveFile: bigint;
  readonly activeFile: bigint;
  readonly unevictable: bigint;
  readonly hierarchicalMemoryLimit: bigint;
  readonly hierarchicalSwapLimit: bigint;
  readonly totalCache: bigint;
  readonly totalRss: bigint;
  readonly totalRssHuge: bigint;
  readonly totalMappedFile: bigint;
  readonly totalDirty: bigint;
  readonly totalWriteback: bigint;
  readonly totalPgPgIn: bigint;
  readonly totalPgPgOut: bigint;
  readonly totalPgFault: bigint;
  readonly totalPgMajFault: bigint;
  readonly totalInactiveAnon: bigint;
  readonly totalActiveAnon: bigint;
  readonly totalInactiveFile: bigint;
  readonly totalActiveFile: bigint;
  readonly totalUnevictable: bigint;
  readonly usage: MemoryEntry | undefined;
  readonly swap: MemoryEntry | undefined;
  readonly kernel: MemoryEntry | undefined;
  readonly kernelTcp: MemoryEntry | undefined;
};
export const MemoryStat: Schema<MemoryStat> = schema("io.containerd.cgroups.v1.MemoryStat", {
  cache: [1, "uint64"],
  rss: [2, "uint64"],
  rssHuge: [3, "uint64"],
  mappedFile: [4, "uint64"],
  dirty: [5, "uint64"],
  writeback: [6, "uint64"],
  pgPgIn: [7, "uint64"],
  pgPgOut: [8, "uint64"],
  pgFault: [9, "uint64"],
  pgMajFault: [10, "uint64"],
  inactiveAnon: [11, "uint64"],
  activeAnon: [12, "uint64"],
  inactiveFile: [13, "uint64"],
  activeFile: [14, "uint64"],
  unevictable: [15, "uint64"],
  hierarchicalMemoryLimit: [16, "uint64"],
  hierarchicalSwapLimit: [17, "uint64"],
  totalCache: [18, "uint64"],
  totalRss: [19, "uint64"],
  totalRssHuge: [20, "uint64"],
  totalMappedFile: [21, "uint64"],
  totalDirty: [22, "uint64"],
  totalWriteback: [23, "uint64"],
  totalPgPgIn: [24, "uint64"],
  totalPgPgOut: [25, "uint64"],
  totalPgFault: [26, "uint64"],
  totalPgMajFault: [27, "uint64"],
  totalInactiveAnon: [28, "uint64"],
  totalActiveAnon: [29, "uint64"],
  totalInactiveFile: [30, "uint64"],
  totalActiveFile: [31, "uint64"],
  totalUnevictable: [32, "uint64"],
  usage: [33, MemoryEntry],
  swap: [34, MemoryEntry],
  kernel: [35, MemoryEntry],
  kernelTcp: [36, MemoryEntry],
});

export type BlkIOEntry = {
  readonly op: string;
  readonly device: string;
  readonly major: bigint;
  readonly minor: bigint;
  readonly value: bigint;
};
export const BlkIOEntry: Schema<BlkIOEntry> = schema("io.containerd.cgroups.v1.BlkIOEntry", {
  op: [1, "string"],
  device: [2, "string"],
  major: [3, "uint64"],
  minor: [4, "uint64"],
  value: [5, "uint64"],
});

export type BlkIOStat = {
  readonly ioServiceBytesRecursive: readonly BlkIOEntry[];
  readonly ioServicedRecursive: readonly BlkIOEntry[];
  readonly ioQueuedRecursive: readonly BlkIOEntry[];
  readonly ioServiceTimeRecursive: readonly BlkIOEntry[];
  readonly ioWaitTimeRecursive: readonly BlkIOEntry[];
  readonly ioMergedRecursive: readonly BlkIOEntry[];
  readonly ioTimeRecursive: readonly BlkIOEntry[];
  readonly sectorsRecursive: readonly BlkIOEntry[];
};
export const BlkIOStat: Schema<BlkIOStat> = schema("io.containerd.cgroups.v1.BlkIOStat", {
  ioServiceBytesRecursive: [1, BlkIOEntry, "list"],
  ioServicedRecursive: [2, BlkIOEntry, "list"],
  ioQueuedRecursive: [3, BlkIOEntry, "list"],
  ioServiceTimeRecursive: [4, BlkIOEntry, "list"],
  ioWaitTimeRecursive: [5, BlkIOEntry, "list"],
  ioMergedRecursive: [6, BlkIOEntry, "list"],
  ioTimeRecursive: [7, BlkIOEntry, "list"],
  sectorsRecursive: [8, BlkIOEntry, "list"],
});

export type RdmaEntry = {
  readonly device: string;
  readonly hcaHandles: number;
  readonly hcaObjects: number;
};
export const RdmaEntry: Schema<RdmaEntry> = schema("io.containerd.cgroups.v1.RdmaEntry", {
  device: [1, "string"],
  hcaHandles: [2, "uint32"],
  hcaObjects: [3, "uint32"],
});

export type RdmaStat = {
  readonly current: readonly RdmaEntry[];
  readonly limit: readonly RdmaEntry[];
};
export const RdmaStat: Schema<RdmaStat> = schema("io.containerd.cgroups.v1.RdmaStat", {
  current: [1, RdmaEntry, "list"],
  limit: [2, RdmaEntry, "list"],
});

export type NetworkStat = {
  readonly name: string;
  readonly rxBytes: bigint;
  readonly rxPackets: bigint;
  readonly rxErrors: bigint;
  readonly rxDropped: bigint;
  readonly txBytes: bigint;
  readonly txPackets: bigint;
  readonly txErrors: bigint;
  readonly txDropped: bigint;
};
export const NetworkStat: Schema<NetworkStat> = schema("io.containerd.cgroups.v1.NetworkStat", {
  name: [1, "string"],
  rxBytes: [2, "uint64"],
  rxPackets: [3, "uint64"],
  rxErrors: [4, "uint64"],
  rxDropped: [5, "uint64"],
  txBytes: [6, "uint64"],
  txPackets: [7, "uint64"],
  txErrors: [8, "uint64"],
  txDropped: [9, "uint64"],
});

export type CgroupStats = {
  readonly nrSleeping: bigint;
  readonly nrRunning: bigint;
  readonly nrStopped: bigint;
  readonly nrUninterruptible: bigint;
  readonly nrIoWait: bigint;
};
export const CgroupStats: Schema<CgroupStats> = schema("io.containerd.cgroups.v1.CgroupStats", {
  nrSleeping: [1, "uint64"],
  nrRunning: [2, "uint64"],
  nrStopped: [3, "uint64"],
  nrUninterruptible: [4, "uint64"],
  nrIoWait: [5, "uint64"],
});

export type MemoryOomControl = {
  readonly oomKillDisable: bigint;
  readonly underOom: bigint;
  readonly oomKill: bigint;
};
export const MemoryOomControl: Schema<MemoryOomControl> = schema(
  "io.containerd.cgroups.v1.MemoryOomControl",
  { oomKillDisable: [1, "uint64"], underOom: [2, "uint64"], oomKill: [3, "uint64"] },
);

export type Metrics = {
  readonly hugetlb: readonly HugetlbStat[];
  readonly pids: PidsStat | undefined;
  readonly cpu: CPUStat | undefined;
  readonly memory: MemoryStat | undefined;
  readonly blkio: BlkIOStat | undefined;
  readonly rdma: RdmaStat | undefined;
  readonly network: readonly NetworkStat[];
  readonly cgroupStats: CgroupStats | undefined;
  readonly memoryOomControl: MemoryOomControl | undefined;
};
export const Metrics: Schema<Metrics> = schema("io.containerd.cgroups.v1.Metrics", {
  hugetlb: [1, HugetlbStat, "list"],
  pids: [2, PidsStat],
  cpu: [3, CPUStat],
  memory: [4, MemoryStat],
  blkio: [5, BlkIOStat],
  rdma: [6, RdmaStat],
  network: [7, NetworkStat, "list"],
  cgroupStats: [8, CgroupStats],
  memoryOomControl: [9, MemoryOomControl],
});
