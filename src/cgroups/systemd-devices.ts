// SPDX-License-Identifier: Apache-2.0
/** Rules for devices as systemd has them: `DevicePolicy` and `DeviceAllow`, systemd.resource-control(5). */
import type { DeviceRule } from "../oci/config-resources.ts";
import { allDeviceRules } from "./devices.ts";
import type { Property } from "./systemd-manager.ts";

/**
 * What systemd is to allow. It knows no exceptions: where a rule takes a part of another one away, it
 * allows more than the container gets, for the container's own rules stand beside systemd's.
 * `procDevices` is /proc/devices, from which it names whole majors.
 */
export function deviceProperties(
  rules: readonly DeviceRule[] | undefined,
  procDevices: string,
): Property[] {
  const allowed = allowedDevices(rules ?? []);
  if (allowed === "all") return [policy("auto"), allow([])];
  const groups = parseGroups(procDevices);
  const entries = allowed.flatMap(({ device, access }) => {
    const path = pathOf(device, groups);
    return path === undefined ? [] : [[path, access] as const];
  });
  return [policy("strict"), allow(entries)];
}

type Device = { readonly type: "b" | "c"; readonly major: string; readonly minor: string };
type Allowed = { readonly device: Device; readonly access: string };

function allowedDevices(rules: readonly DeviceRule[]): readonly Allowed[] | "all" {
  let all = false;
  const allowed = new Map<string, Allowed>();
  for (const rule of allDeviceRules(rules)) {
    const { type = "a", access = "rwm" } = rule;
    if (type === "a") {
      all = rule.allow;
      allowed.clear();
      continue;
    }
    const device = { type, major: wild(rule.major), minor: wild(rule.minor) };
    const key = `${type} ${device.major}:${device.minor}`;
    const before = new Set(allowed.get(key)?.access ?? "");
    for (const letter of access) {
      if (rule.allow) before.add(letter);
      else before.delete(letter);
    }
    if (before.size === 0) allowed.delete(key);
    else allowed.set(key, { device, access: [..."rwm"].filter((one) => before.has(one)).join("") });
  }
  return all ? "all" : [...allowed.values()];
}

function wild(number: number | undefined): string {
  return number === undefined || number < 0 ? "*" : String(number);
}

/** One device by its numbers, a major by the name of its driver, everything of a type by `*`. */
function pathOf({ type, major, minor }: Device, groups: ReadonlyMap<string, string>) {
  const kind = type === "c" ? "char" : "block";
  if (major === "*") return minor === "*" ? `${kind}-*` : undefined;
  if (minor !== "*") return `/dev/${kind}/${major}:${minor}`;
  const group = groups.get(`${type} ${major}`);
  return group === undefined ? undefined : `${kind}-${group}`;
}

/** "Character devices:", lines of number and name, "Block devices:", the same. */
function parseGroups(text: string): Map<string, string> {
  const groups = new Map<string, string>();
  let type = "c";
  for (const line of text.split("\n")) {
    if (line.startsWith("Block")) type = "b";
    const [, major, name] = /^ *([0-9]+) (\S+)/.exec(line) ?? [];
    if (major !== undefined && name !== undefined) groups.set(`${type} ${major}`, name);
  }
  return groups;
}

function policy(value: string): Property {
  return ["DevicePolicy", { signature: "s", value }];
}

function allow(entries: readonly (readonly [string, string])[]): Property {
  return ["DeviceAllow", { signature: "a(ss)", value: entries }];
}
