// SPDX-License-Identifier: Apache-2.0
/** Statistics of version 2, in version 1's terms as runc translates them: cgroup-v2.rst. */
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
  Pressure,
  PressureLine,
} from "./stats.ts";

/** What runc writes where there is no limit. */
const noLimit = (1n << 64n) - 1n;
const nanosecondsPerMicrosecond = 1000n;

export function cpuStats(files: StatFiles): CpuStats {
  const stat = files.table("cpu.stat");
  const time = (name: string) => (stat.get(name) ?? 0n) * nanosecondsPerMicrosecond;
  return {
    usage: {
      ...present({ total: time("usage_usec") }),
      kernel: time("system_usec"),
      user: time("user_usec"),
    },
    throttling: present({
      periods: stat.get("nr_periods") ?? 0n,
      throttledPeriods: stat.get("nr_throttled") ?? 0n,
      throttledTime: time("throttled_usec"),
    }),
    ...pressure(files, "cpu.pressure"),
  };
}

/** Version 2 has none of these switches, and runc reports no more than that. */
export function cpusetStats(_files: StatFiles): CpusetStats {
  return {
    cpu_exclusive: 0n,
    mem_hardwall: 0n,
    mem_exclusive: 0n,
    memory_migrate: 0n,
    memory_spread_page: 0n,
    memory_spread_slab: 0n,
    memory_pressure: 0n,
    sched_load_balance: 0n,
    sched_relax_domain_level: 0n,
  };
}

export function memoryStats(files: StatFiles): MemoryStats {
  const stat = files.table("memory.stat");
  const raw = Object.fromEntries([...stat].sort(([a], [b]) => (a < b ? -1 : 1)));
  const none = { limit: 0n, failcnt: 0n };
  const usage = use(files, "memory");
  return {
    ...present({ cache: stat.get("file") ?? 0n }),
    usage,
    swap: together(usage, use(files, "memory.swap")),
    kernel: none,
    kernelTCP: none,
    ...(stat.size === 0 ? {} : { raw }),
    ...pressure(files, "memory.pressure"),
  };
}

function use(files: StatFiles, prefix: string): MemoryUse {
  return {
    limit: files.number(`${prefix}.max`, noLimit),
    ...present({
      usage: files.number(`${prefix}.current`),
      max: files.number(`${prefix}.peak`),
    }),
    failcnt: files.table(`${prefix}.events`).get("max") ?? 0n,
  };
}

/** Version 1 counts memory and swap together; so do those who read this. */
function together(memory: MemoryUse, swap: MemoryUse): MemoryUse {
  const limited = memory.limit !== noLimit && swap.limit !== noLimit;
  return {
    limit: limited ? memory.limit + swap.limit : noLimit,
    ...present({ usage: (memory.usage ?? 0n) + (swap.usage ?? 0n) }),
    failcnt: swap.failcnt,
  };
}

/** Without the controller the processes are counted. */
export function pidsStats(files: StatFiles): PidsStats {
  const counted = files.text("pids.current") !== undefined;
  const current = counted
    ? files.number("pids.current")
    : BigInt(files.lines("cgroup.procs").length);
  return present({ current, limit: files.number("pids.max") });
}

/** "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6": discards have no name in version 1. */
export function blkioStats(files: StatFiles): BlkioStats {
  const [bytes, operations]: [BlkioEntry[], BlkioEntry[]] = [[], []];
  for (const line of files.lines("io.stat")) {
    const [device = "", ...fields] = words(line);
    const [, major, minor] = /^([0-9]+):([0-9]+)$/.exec(device) ?? [];
    if (major === undefined || minor === undefined) continue;
    for (const [, key, value = "0"] of fields.map(
      (field) => /^([rw](?:bytes|ios))=([0-9]+)$/.exec(field) ?? [],
    )) {
      if (key === undefined) continue;
      const entry = {
        ...present({ major: BigInt(major), minor: BigInt(minor) }),
        op: key.startsWith("r") ? "Read" : "Write",
        ...present({ value: BigInt(value) }),
      };
      (key.endsWith("bytes") ? bytes : operations).push(entry);
    }
  }
  return {
    ...present({ ioServiceBytesRecursive: bytes, ioServicedRecursive: operations }),
    ...pressure(files, "io.pressure"),
  };
}

export function hugetlbStats(files: StatFiles): Record<string, HugetlbStats> {
  const sizes = files.names().flatMap((name) => {
    return /^hugetlb\.([0-9]+[KMG]B)\.current$/.exec(name)?.[1] ?? [];
  });
  const use = (size: string): HugetlbStats => {
    // Pages that are reserved count as used, where the kernel tells (5.7).
    const reserved = files.text(`hugetlb.${size}.rsvd.current`) !== undefined;
    const current = reserved ? `hugetlb.${size}.rsvd.current` : `hugetlb.${size}.current`;
    return {
      ...present({ usage: files.number(current) }),
      failcnt: files.table(`hugetlb.${size}.events`).get("max") ?? 0n,
    };
  };
  return Object.fromEntries(sizes.sort().map((size) => [size, use(size)]));
}

/** "some avg10=0.00 avg60=0.00 avg300=0.00 total=0", the same for `full`. */
function pressure(files: StatFiles, name: string): { readonly psi?: Pressure } {
  const lines = files.lines(name);
  if (lines.length === 0) return {};
  const line = (kind: string): PressureLine => {
    const text = lines.find((one) => one.startsWith(`${kind} `)) ?? "";
    const value = (key: string) => new RegExp(` ${key}=([0-9.]+)`).exec(text)?.[1] ?? "0";
    const average = (key: string) => Number(value(key));
    return {
      avg10: average("avg10"),
      avg60: average("avg60"),
      avg300: average("avg300"),
      total: BigInt(value("total")),
    };
  };
  return { psi: { some: line("some"), full: line("full") } };
}
