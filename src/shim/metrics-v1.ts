// SPDX-License-Identifier: Apache-2.0
/** io.containerd.cgroups.v1.Metrics. */
import { words } from "../cgroups/stat-files.ts";
import type { BlkioEntry, MemoryStats, Stats } from "../cgroups/stats.ts";
import { ENOENT } from "../kernel/constants.ts";
import { type Kernel, readText, unlessErrno } from "../kernel/kernel.ts";
import type { Init } from "../protobuf/schema.ts";
import { type Files, rdmaEntries } from "./metrics.ts";
import type { BlkIOStat, MemoryStat, Metrics } from "./proto/metrics-v1.gen.ts";

export function metricsV1(kernel: Kernel, stats: Stats, files: Files): Init<Metrics> {
  const { cpu, memory, pids, blkio, hugetlb } = stats;
  const oom = files("memory").table("memory.oom_control");
  return {
    hugetlb: Object.entries(hugetlb).map(([pagesize, use]) => ({ pagesize, ...use })),
    pids,
    cpu: {
      usage: {
        total: cpu.usage.total,
        kernel: cpu.usage.kernel,
        user: cpu.usage.user,
        perCpu: cpu.usage.percpu,
      },
      throttling: {
        periods: cpu.throttling.periods,
        throttledPeriods: cpu.throttling.throttledPeriods,
        throttledTime: cpu.throttling.throttledTime,
      },
    },
    memory: memoryOf(memory),
    blkio: blkioOf(blkio, deviceNames(kernel)),
    rdma: {
      current: rdmaEntries(files("rdma"), "rdma.current"),
      limit: rdmaEntries(files("rdma"), "rdma.max"),
    },
    memoryOomControl: {
      oomKillDisable: oom.get("oom_kill_disable"),
      underOom: oom.get("under_oom"),
      oomKill: oom.get("oom_kill"),
    },
  };
}

/** The kernel's names of memory.stat where they are not the message's in snake case. */
const kernelNames: Readonly<Record<string, string>> = {
  pgPgIn: "pgpgin",
  pgPgOut: "pgpgout",
  pgFault: "pgfault",
  pgMajFault: "pgmajfault",
  hierarchicalSwapLimit: "hierarchical_memsw_limit",
};

const counted = [
  ...["cache", "rss", "rssHuge", "mappedFile", "dirty", "writeback"],
  ...["pgPgIn", "pgPgOut", "pgFault", "pgMajFault"],
  ...["inactiveAnon", "activeAnon", "inactiveFile", "activeFile", "unevictable"],
] as const;

function memoryOf({ raw = {}, usage, swap, kernel, kernelTCP }: MemoryStats): Init<MemoryStat> {
  const own = (name: string) => raw[kernelNames[name] ?? snake(name)];
  const values = counted.flatMap((name) => [
    [name, own(name)],
    [
      `total${name.charAt(0).toUpperCase()}${name.slice(1)}`,
      raw[`total_${kernelNames[name] ?? snake(name)}`],
    ],
  ]);
  return {
    ...Object.fromEntries(values),
    hierarchicalMemoryLimit: own("hierarchicalMemoryLimit"),
    hierarchicalSwapLimit: own("hierarchicalSwapLimit"),
    usage,
    swap,
    kernel,
    kernelTcp: kernelTCP,
  };
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function blkioOf(blkio: Stats["blkio"], names: ReadonlyMap<string, string>): Init<BlkIOStat> {
  const named = (entries: readonly BlkioEntry[] = []) =>
    entries.map(({ major = 0n, minor = 0n, op, value }) => {
      return { major, minor, op, value, device: names.get(`${major}:${minor}`) };
    });
  return {
    ioServiceBytesRecursive: named(blkio.ioServiceBytesRecursive),
    ioServicedRecursive: named(blkio.ioServicedRecursive),
    ioQueuedRecursive: named(blkio.ioQueueRecursive),
    ioServiceTimeRecursive: named(blkio.ioServiceTimeRecursive),
    ioWaitTimeRecursive: named(blkio.ioWaitTimeRecursive),
    ioMergedRecursive: named(blkio.ioMergedRecursive),
    ioTimeRecursive: named(blkio.ioTimeRecursive),
    sectorsRecursive: named(blkio.sectorsRecursive),
  };
}

/** /dev names by "major:minor": "8 0 sda 12 ...". */
function deviceNames(kernel: Kernel): ReadonlyMap<string, string> {
  const text = unlessErrno(() => readText(kernel, "/proc/diskstats"), ENOENT) ?? "";
  return new Map(
    text.split("\n").flatMap((line) => {
      const [major, minor, name] = words(line);
      return name === undefined ? [] : [[`${major}:${minor}`, `/dev/${name}`] as const];
    }),
  );
}
