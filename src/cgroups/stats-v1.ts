// SPDX-License-Identifier: Apache-2.0
/** Statistics of version 1 controllers: Documentation/admin-guide/cgroup-v1/. */
import { present, type StatFiles, words } from "./stat-files.ts";
import type {
  BlkioEntry,
  BlkioStats,
  CpuStats,
  CpusetStats,
  HugetlbStats,
  MemoryStats,
  MemoryUse,
  PidsStats,
} from "./stats.ts";

/** cpuacct.stat counts in USER_HZ, 100 on every machine of ours. */
const nanosecondsPerTick = 10_000_000n;

export function cpuStats(cpu: StatFiles, cpuacct: StatFiles): CpuStats {
  const ticks = cpuacct.table("cpuacct.stat");
  const all = cpuacct.lines("cpuacct.usage_all").slice(1).map(words);
  const column = (index: number) => all.map((fields) => BigInt(fields[index] ?? 0));
  const throttling = cpu.table("cpu.stat");
  return {
    usage: {
      ...present({
        total: cpuacct.number("cpuacct.usage"),
        percpu: cpuacct.numbers("cpuacct.usage_percpu"),
        percpu_kernel: column(2),
        percpu_user: column(1),
      }),
      kernel: (ticks.get("system") ?? 0n) * nanosecondsPerTick,
      user: (ticks.get("user") ?? 0n) * nanosecondsPerTick,
    },
    throttling: present({
      periods: throttling.get("nr_periods") ?? 0n,
      throttledPeriods: throttling.get("nr_throttled") ?? 0n,
      throttledTime: throttling.get("throttled_time") ?? 0n,
    }),
  };
}

export function cpusetStats(files: StatFiles): CpusetStats {
  const flag = (name: string) => files.number(`cpuset.${name}`);
  const cpus = { cpus: rangesOf(files.text("cpuset.cpus")) };
  const mems = { mems: rangesOf(files.text("cpuset.mems")) };
  return {
    ...present(cpus),
    cpu_exclusive: flag("cpu_exclusive"),
    ...present(mems),
    mem_hardwall: flag("mem_hardwall"),
    mem_exclusive: flag("mem_exclusive"),
    memory_migrate: flag("memory_migrate"),
    memory_spread_page: flag("memory_spread_page"),
    memory_spread_slab: flag("memory_spread_slab"),
    memory_pressure: flag("memory_pressure"),
    sched_load_balance: flag("sched_load_balance"),
    sched_relax_domain_level: flag("sched_relax_domain_level"),
  };
}

/** "0-2,5" as numbers. */
function rangesOf(text: string | undefined): number[] {
  return (text ?? "")
    .trim()
    .split(",")
    .filter((range) => range !== "")
    .flatMap((range) => {
      const [first = 0, last = first] = range.split("-").map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}

export function memoryStats(files: StatFiles): MemoryStats {
  const stat = files.table("memory.stat");
  const raw = Object.fromEntries([...stat].sort(([a], [b]) => (a < b ? -1 : 1)));
  return {
    ...present({ cache: stat.get("cache") ?? 0n }),
    usage: use(files, "memory"),
    swap: use(files, "memory.memsw"),
    kernel: use(files, "memory.kmem"),
    kernelTCP: use(files, "memory.kmem.tcp"),
    ...(stat.size === 0 ? {} : { raw }),
  };
}

function use(files: StatFiles, prefix: string): MemoryUse {
  return {
    limit: files.number(`${prefix}.limit_in_bytes`),
    ...present({
      usage: files.number(`${prefix}.usage_in_bytes`),
      max: files.number(`${prefix}.max_usage_in_bytes`),
    }),
    failcnt: files.number(`${prefix}.failcnt`),
  };
}

export function pidsStats(files: StatFiles): PidsStats {
  return present({ current: files.number("pids.current"), limit: files.number("pids.max") });
}

const bytes = "ioServiceBytesRecursive";
const operations = "ioServicedRecursive";
const details: readonly (readonly [file: string, key: keyof BlkioStats])[] = [
  ["sectors_recursive", "sectorsRecursive"],
  ["io_service_time_recursive", "ioServiceTimeRecursive"],
  ["io_wait_time_recursive", "ioWaitTimeRecursive"],
  ["io_merged_recursive", "ioMergedRecursive"],
  ["io_queued_recursive", "ioQueueRecursive"],
  ["time_recursive", "ioTimeRecursive"],
  ["io_serviced_recursive", operations],
  ["io_service_bytes_recursive", bytes],
];

/** What counts depends on the scheduler of the disks: the first of these that has counted anything. */
const sources: readonly (readonly (readonly [file: string, key: keyof BlkioStats])[])[] = [
  details.map(([file, key]) => [`blkio.bfq.${file}`, key] as const),
  details.slice(-2).map(([file, key]) => [`blkio.bfq.${file}`, key] as const),
  details.map(([file, key]) => [`blkio.${file}`, key] as const),
  [
    ["blkio.throttle.io_serviced_recursive", operations],
    ["blkio.throttle.io_service_bytes_recursive", bytes],
  ],
  [
    ["blkio.throttle.io_serviced", operations],
    ["blkio.throttle.io_service_bytes", bytes],
  ],
];

export function blkioStats(files: StatFiles): BlkioStats {
  for (const source of sources) {
    const [first] = source[0] ?? [];
    if (first === undefined || entries(files, first).length === 0) continue;
    const found = new Map(source.map(([file, key]) => [key, entries(files, file)]));
    // In runc's order of keys.
    const order = [bytes, operations, ...laterKeys] as const;
    return present(Object.fromEntries(order.map((key) => [key, found.get(key) ?? []])));
  }
  return {};
}

const laterKeys = [
  "ioQueueRecursive",
  "ioServiceTimeRecursive",
  "ioWaitTimeRecursive",
  "ioMergedRecursive",
  "ioTimeRecursive",
  "sectorsRecursive",
] as const;

/** "8:0 Read 4096", "8:0 512"; "Total 4096" is the sum of what is there. */
function entries(files: StatFiles, name: string): BlkioEntry[] {
  return files.lines(name).flatMap((line) => {
    const [, major, minor, op, value] =
      /^([0-9]+):([0-9]+)(?: ([A-Za-z]+))? ([0-9]+)$/.exec(line) ?? [];
    if (major === undefined || minor === undefined || value === undefined) return [];
    const numbers = present({ major: BigInt(major), minor: BigInt(minor) });
    return [
      { ...numbers, ...(op === undefined ? {} : { op }), ...present({ value: BigInt(value) }) },
    ];
  });
}

export function hugetlbStats(files: StatFiles): Record<string, HugetlbStats> {
  const sizes = files.names().flatMap((name) => {
    return /^hugetlb\.([0-9]+[KMG]B)\.usage_in_bytes$/.exec(name)?.[1] ?? [];
  });
  const use = (size: string): HugetlbStats => {
    // Pages that are reserved count as used, where the kernel tells (5.7).
    const reserved = files.text(`hugetlb.${size}.rsvd.usage_in_bytes`) !== undefined;
    const prefix = reserved ? `hugetlb.${size}.rsvd` : `hugetlb.${size}`;
    return {
      ...present({
        usage: files.number(`${prefix}.usage_in_bytes`),
        max: files.number(`${prefix}.max_usage_in_bytes`),
      }),
      failcnt: files.number(`${prefix}.failcnt`),
    };
  };
  return Object.fromEntries(sizes.sort().map((size) => [size, use(size)]));
}
