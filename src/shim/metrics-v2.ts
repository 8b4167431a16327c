// SPDX-License-Identifier: Apache-2.0
/** io.containerd.cgroups.v2.Metrics: the kernel's own numbers, in its own units. */
import { words } from "../cgroups/stat-files.ts";
import type { Stats } from "../cgroups/stats.ts";
import type { Init } from "../protobuf/schema.ts";
import { type Files, rdmaEntries } from "./metrics.ts";
import {
  type IOEntry,
  type MemoryEvents,
  MemoryStat,
  type Metrics,
} from "./proto/metrics-v2.gen.ts";

const noLimit = (1n << 64n) - 1n;

export function metricsV2(stats: Stats, files: Files): Init<Metrics> {
  const cpu = files("cpu").table("cpu.stat");
  const hugetlb = files("hugetlb");
  return {
    pids: { current: stats.pids.current, limit: files("pids").number("pids.max", noLimit) },
    cpu: {
      usageUsec: cpu.get("usage_usec"),
      userUsec: cpu.get("user_usec"),
      systemUsec: cpu.get("system_usec"),
      nrPeriods: cpu.get("nr_periods"),
      nrThrottled: cpu.get("nr_throttled"),
      throttledUsec: cpu.get("throttled_usec"),
    },
    memory: memoryOf(files),
    memoryEvents: eventsOf(files),
    io: { usage: files("io").lines("io.stat").flatMap(ioEntry) },
    rdma: {
      current: rdmaEntries(files("rdma"), "rdma.current"),
      limit: rdmaEntries(files("rdma"), "rdma.max"),
    },
    hugetlb: Object.entries(stats.hugetlb).map(([pagesize, { usage }]) => {
      return { pagesize, current: usage, max: hugetlb.number(`hugetlb.${pagesize}.max`, noLimit) };
    }),
  };
}

function memoryOf(files: Files): Init<MemoryStat> {
  const memory = files("memory");
  const stat = memory.table("memory.stat");
  // The message's names are the kernel's; those of files are set below.
  const counted = Object.keys(MemoryStat.fields).map((name) => [name, stat.get(snake(name))]);
  return {
    ...Object.fromEntries(counted),
    usage: memory.number("memory.current"),
    usageLimit: memory.number("memory.max", noLimit),
    maxUsage: memory.number("memory.peak"),
    swapUsage: memory.number("memory.swap.current"),
    swapLimit: memory.number("memory.swap.max", noLimit),
    swapMaxUsage: memory.number("memory.swap.peak"),
  };
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Undefined without the controller: no event is not the same as nobody counting. */
function eventsOf(files: Files): Init<MemoryEvents> | undefined {
  const events = files("memory").table("memory.events");
  if (events.size === 0) return undefined;
  return {
    low: events.get("low"),
    high: events.get("high"),
    max: events.get("max"),
    oom: events.get("oom"),
    oomKill: events.get("oom_kill"),
  };
}

/** "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6". */
function ioEntry(line: string): Init<IOEntry>[] {
  const [device = "", ...fields] = words(line);
  const [, major, minor] = /^([0-9]+):([0-9]+)$/.exec(device) ?? [];
  if (major === undefined || minor === undefined) return [];
  const value = (key: string) => {
    const text = fields.find((field) => field.startsWith(`${key}=`))?.slice(key.length + 1) ?? "";
    return /^[0-9]+$/.test(text) ? BigInt(text) : 0n;
  };
  const [rbytes, wbytes, rios, wios] = ["rbytes", "wbytes", "rios", "wios"].map(value);
  return [{ major: BigInt(major), minor: BigInt(minor), rbytes, wbytes, rios, wios }];
}
