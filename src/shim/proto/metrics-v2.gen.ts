// SPDX-License-Identifier: Apache-2.0
/** Made from metrics-v2.proto by `npm run format`. Change that instead. */

import { type Schema, schema } from "../../protobuf/schema.ts";

export type PidsStat = { readonly current: bigint; readonly limit: bigint };
export const PidsStat: Schema<PidsStat> = schema("io.containerd.cgroups.v2.PidsStat", {
  current: [1, "uint64"],
  limit: [2, "uint64"],
});

export type CPUStat = {
  readonly usageUsec: bigint;
  readonly userUsec: bigint;
  readonly systemUsec: bigint;
  readonly nrPeriods: bigint;
  readonly nrThrottled: bigint;
  readonly throttledUsec: bigint;
};
export const CPUStat: Schema<CPUStat> = schema("io.containerd.cgroups.v2.CPUStat", {
  usageUsec: [1, "uint64"],
  userUsec: [2, "uint64"],
  systemUsec: [3, "uint64"],
  nrPeriods: [4, "uint64"],
  nrThrottled: [5, "uint64"],
  throttledUsec: [6, "uint64"],
});

export type MemoryStat = {
  readonly anon: bigint;
  readonly file: bigint;
  readonly kernelStack: bigint;
  readonly slab: bigint;
  readonly sock: bigint;
  readonly shmem: bigint;
  readonly fileMapped: bigint;
  readonly fileDirty: bigint;
  readonly fileWriteback: bigint;
  readonly anonThp: bigint;
  readonly inactiveAnon: bigint;
  readonly activeAnon: bigint;
  readonly inactiveFile: bigint;
  readonly activeFile: bigint;
  readonly unevictable: bigint;
  readonly slabReclaimable: bigint;
  readonly slabUnreclaimable: bigint;
  readonly pgfault: bigint;
  readonly pgmajfault: bigint;
  readonly workingsetRefault: bigint;
  readonly workingsetActivate: bigint;
  readonly workingsetNodereclaim: bigint;
  readonly pgrefill: bigint;
  readonly pgscan: bigint;
  readonly pgsteal: bigint;
  readonly pgactivate: bigint;
  readonly pgdeactivate: bigint;
  readonly pglazyfree: bigint;
  readonly pglazyfreed: bigint;
  readonly thpFaultAlloc: bigint;
  readonly thpCollapseAlloc: bigint;
  readonly usage: bigint;
  readonly usageLimit: bigint;
  readonly swapUsage: bigint;
  readonly swapLimit: bigint;
  readonly maxUsage: bigint;
  readonly swapMaxUsage: bigint;
};
export const MemoryStat: Schema<MemoryStat> = schema("io.containerd.cgroups.v2.MemoryStat", {
  anon: [1, "uint64"],
  file: [2, "uint64"],
  kernelStack: [3, "uint64"],
  slab: [4, "uint64"],
  sock: [5, "uint64"],
  shmem: [6, "uint64"],
  fileMapped: [7, "uint64"],
  fileDirty: [8, "uint64"],
  fileWriteback: [9, "uint64"],
  anonThp: [10, "uint64"],
  inactiveAnon: [11, "uint64"],
  activeAnon: [12, "uint64"],
  inactiveFile: [13, "uint64"],
  activeFile: [14, "uint64"],
  unevictable: [15, "uint64"],
  slabReclaimable: [16, "uint64"],
  slabUnreclaimable: [17, "uint64"],
  pgfault: [18, "uint64"],
  pgmajfault: [19, "uint64"],
  workingsetRefault: [20, "uint64"],
  workingsetActivate: [21, "uint64"],
  workingsetNodereclaim: [22, "uint64"],
  pgrefill: [23, "uint64"],
  pgscan: [24, "uint64"],
  pgsteal: [25, "uint64"],
  pgactivate: [26, "uint64"],
  pgdeactivate: [27, "uint64"],
  pglazyfree: [28, "uint64"],
  pglazyfreed: [29, "uint64"],
  thpFaultAlloc: [30, "uint64"],
  thpCollapseAlloc: [31, "uint64"],
  usage: [32, "uint64"],
  usageLimit: [33, "uint64"],
  swapUsage: [34, "uint64"],
  swapLimit: [35, "uint64"],
  maxUsage: [36, "uint64"],
  swapMaxUsage: [37, "uint64"],
});

export type RdmaEntry = {
  readonly device: string;
  readonly hcaHandles: number;
  readonly hcaObjects: number;
};
export const RdmaEntry: Schema<RdmaEntry> = schema("io.containerd.cgroups.v2.RdmaEntry", {
  device: [1, "string"],
  hcaHandles: [2, "uint32"],
  hcaObjects: [3, "uint32"],
});

export type RdmaStat = {
  readonly current: readonly RdmaEntry[];
  readonly limit: readonly RdmaEntry[];
};
export const RdmaStat: Schema<RdmaStat> = schema("io.containerd.cgroups.v2.RdmaStat", {
  current: [1, RdmaEntry, "list"],
  limit: [2, RdmaEntry, "list"],
});

export type IOEntry = {
  readonly major: bigint;
  readonly minor: bigint;
  readonly rbytes: bigint;
  readonly wbytes: bigint;
  readonly rios: bigint;
  readonly wios: bigint;
};
export const IOEntry: Schema<IOEntry> = schema("io.containerd.cgroups.v2.IOEntry", {
  major: [1, "uint64"],
  minor: [2, "uint64"],
  rbytes: [3, "uint64"],
  wbytes: [4, "uint64"],
  rios: [5, "uint64"],
  wios: [6, "uint64"],
});

export type IOStat = { readonly usage: readonly IOEntry[] };
export const IOStat: Schema<IOStat> = schema("io.containerd.cgroups.v2.IOStat", {
  usage: [1, IOEntry, "list"],
});

export type HugeTlbStat = {
  readonly current: bigint;
  readonly max: bigint;
  readonly pagesize: string;
};
export const HugeTlbStat: Schema<HugeTlbStat> = schema("io.containerd.cgroups.v2.HugeTlbStat", {
  current: [1, "uint64"],
  max: [2, "uint64"],
  pagesize: [3, "string"],
});

export type MemoryEvents = {
  readonly low: bigint;
  readonly high: bigint;
  readonly max: bigint;
  readonly oom: bigint;
  readonly oomKill: bigint;
};
export const MemoryEvents: Schema<MemoryEvents> = schema("io.containerd.cgroups.v2.MemoryEvents", {
  low: [1, "uint64"],
  high: [2, "uint64"],
  max: [3, "uint64"],
  oom: [4, "uint64"],
  oomKill: [5, "uint64"],
});

export type Metrics = {
  readonly pids: PidsStat | undefined;
  readonly cpu: CPUStat | undefined;
  readonly memory: MemoryStat | undefined;
  readonly rdma: RdmaStat | undefined;
  readonly io: IOStat | undefined;
  readonly hugetlb: readonly HugeTlbStat[];
  readonly memoryEvents: MemoryEvents | undefined;
};
export const Metrics: Schema<Metrics> = schema("io.containerd.cgroups.v2.Metrics", {
  pids: [1, PidsStat],
  cpu: [2, CPUStat],
  memory: [4, MemoryStat],
  rdma: [5, RdmaStat],
  io: [6, IOStat],
  hugetlb: [7, HugeTlbStat, "list"],
  memoryEvents: [8, MemoryEvents],
});
