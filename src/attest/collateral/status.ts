// SPDX-License-Identifier: Apache-2.0
/** What Intel says about a TCB level, and how the levels of several parts make one verdict. */
import { formatError } from "../error.ts";

/** Worst last; two of a kind differ in what else the owner should do. */
export const TCB_STATUSES = [
  "UpToDate",
  "SWHardeningNeeded",
  "ConfigurationNeeded",
  "ConfigurationAndSWHardeningNeeded",
  "TDRelaunchAdvised",
  "TDRelaunchAdvisedConfigurationNeeded",
  "OutOfDate",
  "OutOfDateConfigurationNeeded",
  "Revoked",
] as const;

export type TcbStatus = (typeof TCB_STATUSES)[number];

/** What a level of TCB info may say: advice to relaunch is the verifier's own conclusion. */
export type PlatformStatus = Exclude<TcbStatus, `TDRelaunch${string}`>;

/** What a level of a quoting enclave or a TDX module may say. */
export type ComponentStatus = "UpToDate" | "OutOfDate" | "Revoked";

export const PLATFORM_STATUSES: readonly PlatformStatus[] = [
  "UpToDate",
  "SWHardeningNeeded",
  "ConfigurationNeeded",
  "ConfigurationAndSWHardeningNeeded",
  "OutOfDate",
  "OutOfDateConfigurationNeeded",
  "Revoked",
];
export const COMPONENT_STATUSES: readonly ComponentStatus[] = ["UpToDate", "OutOfDate", "Revoked"];

/** Unknown words fail: a verifier that took a new status for a good one would be worse than none. */
export function readStatus<Status extends string>(
  text: string,
  known: readonly Status[],
  what: string,
): Status {
  const status = known.find((one) => one === text);
  if (status === undefined) throw formatError(what, `TCB status "${text}" is not known`);
  return status;
}

/** Lowers a platform's status by that of a part it depends on. */
export function converge<Status extends TcbStatus>(
  platform: Status,
  component: ComponentStatus,
): Status | "OutOfDate" | "OutOfDateConfigurationNeeded" | "Revoked" {
  if (component === "Revoked") return "Revoked";
  if (component === "UpToDate") return platform;
  switch (platform) {
    case "UpToDate":
    case "SWHardeningNeeded":
      return "OutOfDate";
    case "ConfigurationNeeded":
    case "ConfigurationAndSWHardeningNeeded":
      return "OutOfDateConfigurationNeeded";
    default:
      return platform;
  }
}

/** Whether the owner of the platform is asked to change its configuration. */
export function needsConfiguration(status: TcbStatus): boolean {
  return status.includes("Configuration");
}
