// SPDX-License-Identifier: Apache-2.0
/** The cpu controller: shares or weight, quota, burst, idle, and in version 1 real time. */
import type { CpuResources } from "../oci/config-resources.ts";
import { type Controller, firstAsked, invalid, isSet } from "./controller.ts";
import type { LimitFiles, LimitWrite } from "./limit-files.ts";

export const cpu: Controller = {
  v1: "cpu",
  v2: "cpu",

  asked: ({ cpu = {} }) =>
    firstAsked("cpu", [
      ["shares", cpu.shares],
      ["quota", cpu.quota],
      ["period", cpu.period],
      ["burst", cpu.burst],
      ["realtimePeriod", cpu.realtimePeriod],
      ["realtimeRuntime", cpu.realtimeRuntime],
      ["idle", cpu.idle],
    ]),

  setV1: (files, { cpu = {} }) => {
    const { shares, period, quota, burst, realtimePeriod, realtimeRuntime, idle } = cpu;
    wake(files, idle);
    if (isSet(shares) && idle !== 1) writeShares(files, shares);
    files.writeTogether([
      ...given("cpu.cfs_period_us", period),
      ...given("cpu.cfs_quota_us", quota),
      ...burstOf(files, "cpu.cfs_burst_us", burst),
    ]);
    files.writeTogether([
      ...given("cpu.rt_period_us", realtimePeriod),
      ...given("cpu.rt_runtime_us", realtimeRuntime),
    ]);
    if (idle === 1) files.write("cpu.idle", "1");
  },

  setV2: (files, { cpu = {} }) => {
    const { shares, burst, idle } = cpu;
    wake(files, idle);
    if (isSet(shares) && idle !== 1) files.write("cpu.weight", weightOf(shares));
    const max = maxOf(files, cpu);
    files.writeTogether([
      ...(max === undefined ? [] : [{ file: "cpu.max", value: max }]),
      ...burstOf(files, "cpu.max.burst", burst),
    ]);
    if (idle === 1) files.write("cpu.idle", "1");
  },
};

/** While a cgroup is idle the kernel takes no shares, so this comes first; and they count for nothing. */
function wake(files: LimitFiles, idle: number | undefined): void {
  if (idle === 0 && files.read("cpu.idle") !== undefined) files.write("cpu.idle", "0");
}

/** The kernel cuts shares to what it has room for without a word; as in runc that is an error. */
function writeShares(files: LimitFiles, shares: bigint): void {
  files.write("cpu.shares", String(shares));
  const kept = BigInt(files.read("cpu.shares") ?? shares);
  if (kept === shares) return;
  const bound = kept < shares ? "most" : "fewest";
  throw invalid("cpu.shares", shares, `the ${bound} shares that the kernel takes are ${kept}`);
}

/**
 * Shares from 2 over 1024 (the kernel's default) to 262144 on weights 1, 100 (the default) and 10000,
 * by the curve that runc 1.3.2 and crun 1.23 have and the kubelet counts on; 0 is no value here.
 */
export function weightOf(shares: bigint): string {
  if (shares <= 2n) return "1";
  if (shares >= 262144n) return "10000";
  const log = Math.log2(Number(shares));
  return String(Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34)));
}

const defaultPeriod = "100000";

/** Quota and period share a file: of which only one is given, the other stays what it is. */
function maxOf(files: LimitFiles, { quota, period }: CpuResources): string | undefined {
  if (!isSet(quota) && !isSet(period)) return undefined;
  const [quotaNow = "max", periodNow = defaultPeriod] = files.read("cpu.max")?.split(" ") ?? [];
  const newQuota = !isSet(quota) ? quotaNow || "max" : quota < 0n ? "max" : String(quota);
  return `${newQuota} ${isSet(period) ? period : periodNow}`;
}

/** No burst is what every cgroup starts with, also on a kernel that has no file for it. */
function burstOf(files: LimitFiles, file: string, burst: bigint | undefined): LimitWrite[] {
  if (burst === undefined || (burst === 0n && files.read(file) === undefined)) return [];
  return [{ file, value: String(burst) }];
}

function given(file: string, value: bigint | undefined): LimitWrite[] {
  return isSet(value) ? [{ file, value: String(value) }] : [];
}
