// SPDX-License-Identifier: Apache-2.0
/**
 * `linux.resources` as properties of a unit: systemd.resource-control(5). systemd writes its own idea of
 * a limit again whenever it likes (daemon-reload), so it has to have ours; the limits that it has no
 * property for are in the cgroup's files alone.
 */
import { RuneError } from "../errors/error.ts";
import type { CpuResources, MemoryResources, Resources } from "../oci/config-resources.ts";
import { weightOf } from "./cpu.ts";
import type { Property } from "./systemd-manager.ts";

/** "No limit", for every property of type `t`. */
const infinity = (1n << 64n) - 1n;
const defaultPeriodUs = 100_000n;
/** systemd counts in whole percents of a CPU: 10 ms of a second. */
const quotaGranularityUs = 10_000n;

/** What systemd can do since when: its NEWS. */
const sinceVersion = { quotaPeriod: 242, cpuset: 244, idle: 252 } as const;

/** The properties that the resources ask for, devices apart; `systemdVersion` is its major number. */
export function resourceProperties(
  resources: Resources,
  version: 1 | 2,
  systemdVersion: number,
): Property[] {
  const { cpu = {}, memory = {}, pids, blockIO, unified = {} } = resources;
  return [
    ...(version === 1 ? memoryV1(memory) : memoryV2(memory)),
    ...(version === 1 ? sharesV1(cpu) : weightV2(cpu, systemdVersion)),
    ...quota(cpu.quota, cpu.period, systemdVersion),
    ...cpuset("AllowedCPUs", cpu.cpus, systemdVersion),
    ...cpuset("AllowedMemoryNodes", cpu.mems, systemdVersion),
    ...number("TasksMax", pids?.limit),
    ...(version === 1 ? number("BlockIOWeight", BigInt(blockIO?.weight ?? 0)) : []),
    ...(version === 2 ? unifiedProperties(unified, systemdVersion) : []),
  ];
}

function memoryV1({ limit }: MemoryResources): Property[] {
  return number("MemoryLimit", limit);
}

/** Version 2 counts swap alone, config.json together with memory. */
function memoryV2({ limit, reservation, swap }: MemoryResources): Property[] {
  return [
    ...number("MemoryMax", limit),
    ...number("MemoryLow", reservation),
    ...swapMax(limit, swap),
  ];
}

function swapMax(limit = 0n, swap = 0n): Property[] {
  if (swap < 0n || (limit < 0n && swap === 0n)) return [unsigned("MemorySwapMax", infinity)];
  // Anything else is a mistake, which setting the limit will tell of.
  return swap > 0n && limit > 0n && swap >= limit ? [unsigned("MemorySwapMax", swap - limit)] : [];
}

function sharesV1({ shares }: CpuResources): Property[] {
  return number("CPUShares", shares);
}

function weightV2({ shares = 0n, idle }: CpuResources, systemdVersion: number): Property[] {
  if (idle === 1 && systemdVersion >= sinceVersion.idle) return [unsigned("CPUWeight", 0n)];
  return shares === 0n ? [] : [unsigned("CPUWeight", BigInt(weightOf(shares)))];
}

/** A quota of a period as time in each second, rounded up so that it never is less than was asked. */
function quota(quotaUs = 0n, periodUs = 0n, systemdVersion: number): Property[] {
  if (quotaUs === 0n && periodUs === 0n) return [];
  const knowsPeriod = systemdVersion >= sinceVersion.quotaPeriod;
  const period = periodUs > 0n && knowsPeriod ? [unsigned("CPUQuotaPeriodUSec", periodUs)] : [];
  if (quotaUs <= 0n) return [...period, unsigned("CPUQuotaPerSecUSec", infinity)];
  const perSecond = (quotaUs * 1_000_000n) / (periodUs > 0n ? periodUs : defaultPeriodUs);
  const steps = (perSecond + quotaGranularityUs - 1n) / quotaGranularityUs;
  return [...period, unsigned("CPUQuotaPerSecUSec", steps * quotaGranularityUs)];
}

function cpuset(name: string, list: string | undefined, systemdVersion: number): Property[] {
  if (list === undefined || list === "" || systemdVersion < sinceVersion.cpuset) return [];
  return [[name, { signature: "ay", value: bitsOf(list) }]];
}

/** "0-2,5" as a bit for each number, the lowest first. */
function bitsOf(list: string): Uint8Array {
  const bytes: number[] = [];
  for (const range of list.trim().split(",")) {
    const [, first, last = first] = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(range.trim()) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (first === undefined || to < from || to > 8191 /* the kernel's largest NR_CPUS */) {
      throw invalid("cpu", list, "it is no list of numbers and ranges");
    }
    for (let bit = from; bit <= to; bit++) {
      while (bytes.length <= bit >> 3) bytes.push(0);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (1 << (bit & 7));
    }
  }
  return new Uint8Array(bytes);
}

/** Files of version 2 that systemd has a property for; the others are set in the cgroup alone. */
function unifiedProperties(
  unified: Readonly<Record<string, string>>,
  systemdVersion: number,
): Property[] {
  return Object.entries(unified).flatMap(([file, value]) => {
    const plain = plainFiles[file];
    if (plain !== undefined) return [unsigned(plain, numberOf(file, value))];
    if (file === "cpuset.cpus") return cpuset("AllowedCPUs", value, systemdVersion);
    if (file === "cpuset.mems") return cpuset("AllowedMemoryNodes", value, systemdVersion);
    if (file === "cpu.idle") return weightV2({ idle: Number(value) }, systemdVersion);
    if (file !== "cpu.max") return [];
    const [most = "", period] = value.trim().split(/\s+/);
    const quotaUs = most === "max" ? -1n : numberOf(file, most);
    return quota(quotaUs, period === undefined ? 0n : numberOf(file, period), systemdVersion);
  });
}

const plainFiles: Readonly<Record<string, string>> = {
  "cpu.weight": "CPUWeight",
  "memory.min": "MemoryMin",
  "memory.low": "MemoryLow",
  "memory.high": "MemoryHigh",
  "memory.max": "MemoryMax",
  "memory.swap.max": "MemorySwapMax",
  "pids.max": "TasksMax",
};

function numberOf(file: string, text: string): bigint {
  const word = text.trim();
  if (word === "max") return infinity;
  if (/^[0-9]{1,19}$/.test(word)) return BigInt(word);
  throw invalid(`unified.${file}`, text, "systemd takes a number or `max`");
}

/** Nothing for 0, which stands for "not set"; no limit for a negative number. */
function number(name: string, value: bigint | undefined): Property[] {
  if (value === undefined || value === 0n) return [];
  return [unsigned(name, value < 0n ? infinity : value)];
}

function unsigned(name: string, value: bigint): Property {
  return [name, { signature: "t", value }];
}

function invalid(field: string, value: string, reason: string): RuneError {
  const doing = `config \`linux.resources.${field}\`: set \`${value}\``;
  return new RuneError({ code: "CONFIG_INVALID", doing, reason });
}
