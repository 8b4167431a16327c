// SPDX-License-Identifier: Apache-2.0
/** Access to devices: nothing, then the configuration's rules, then what every container has. */
import type { DeviceRule } from "../oci/config-resources.ts";
import type { LimitFiles, LimitWrite } from "./limit-files.ts";

/** What runc allows every container besides: making nodes, the default devices, terminals. */
export const defaultDeviceRules: readonly DeviceRule[] = [
  { allow: true, type: "c", access: "m" },
  { allow: true, type: "b", access: "m" },
  { allow: true, type: "c", major: 1, minor: 3, access: "rwm" },
  { allow: true, type: "c", major: 1, minor: 8, access: "rwm" },
  { allow: true, type: "c", major: 1, minor: 7, access: "rwm" },
  { allow: true, type: "c", major: 5, minor: 0, access: "rwm" },
  { allow: true, type: "c", major: 1, minor: 5, access: "rwm" },
  { allow: true, type: "c", major: 1, minor: 9, access: "rwm" },
  { allow: true, type: "c", major: 136, access: "rwm" },
  { allow: true, type: "c", major: 5, minor: 2, access: "rwm" },
];

/** Everything that decides on a container's devices, the last match first to count. */
export function allDeviceRules(rules: readonly DeviceRule[]): DeviceRule[] {
  return [{ allow: false, type: "a" }, ...rules, ...defaultDeviceRules];
}

/** Version 1: tells the devices controller. */
export function setDevicesV1(files: LimitFiles, rules: readonly DeviceRule[]): void {
  for (const { file, value } of deviceWrites(rules)) files.write(file, value);
}

/** Version 1: lines for devices.deny and devices.allow, Documentation/admin-guide/cgroup-v1/devices.rst. */
export function deviceWrites(rules: readonly DeviceRule[]): LimitWrite[] {
  return allDeviceRules(rules).map((rule) => ({
    file: rule.allow ? "devices.allow" : "devices.deny",
    value: ruleText(rule),
  }));
}

/** "c 1:3 rwm"; "a" stands for every device, whatever numbers it is given with. */
function ruleText({ type = "a", major, minor, access = "rwm" }: DeviceRule): string {
  if (type === "a")
    return major === undefined && minor === undefined
      ? "a"
      : `a ${numbers(major, minor)} ${access}`;
  return `${type} ${numbers(major, minor)} ${access}`;
}

function numbers(major: number | undefined, minor: number | undefined): string {
  return `${major === undefined || major < 0 ? "*" : major}:${minor === undefined || minor < 0 ? "*" : minor}`;
}
