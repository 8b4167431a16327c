// SPDX-License-Identifier: Apache-2.0
/** Device nodes and the links that every container has in /dev. */
import { S_IFBLK, S_IFCHR, S_IFIFO } from "../kernel/constants.ts";
import type { Config } from "../oci/config.ts";
import type { Device } from "../oci/config-linux.ts";
import type { PlanBuilder } from "./encode.ts";
import type { ExternalMount } from "./external-mounts.ts";
import type { LaunchInput } from "./host.ts";
import { cleanPath, devicesAreBound, hasOwnDev, type PlannedMount } from "./mounts.ts";

/** config-linux.md, "Default Devices"; /dev/console and /dev/ptmx come with the terminal. */
export const defaultDevices: readonly Device[] = [
  character("/dev/null", 1, 3),
  character("/dev/random", 1, 8),
  character("/dev/full", 1, 7),
  character("/dev/tty", 5, 0),
  character("/dev/zero", 1, 5),
  character("/dev/urandom", 1, 9),
];

/** runtime-linux.md, "Dev symbolic links". */
const links = [
  ["/proc/self/fd", "/dev/fd"],
  ["/proc/self/fd/0", "/dev/stdin"],
  ["/proc/self/fd/1", "/dev/stdout"],
  ["/proc/self/fd/2", "/dev/stderr"],
  ["pts/ptmx", "/dev/ptmx"],
] as const;

/** Plans the host side (bound nodes in a user namespace) and returns what the child does. */
export function planDevices(
  plan: PlanBuilder,
  config: Config,
  { hasKcore }: LaunchInput,
): PlannedMount {
  const devices = allDevices(config);
  const steps = devicesAreBound(config)
    ? devices.map((device) => bound(plan, device))
    : devices.map(made);
  return (child) => {
    for (const step of steps) step(child);
    for (const [target, path] of links) child.add({ op: "symlink", target, path });
    if (hasKcore) child.add({ op: "symlink", target: "/proc/kcore", path: "/dev/core" });
  };
}

/** Where nodes of the host are bound: in a user namespace all devices are. */
export function boundDevices(config: Config): ExternalMount[] {
  if (hasOwnDev(config) || !devicesAreBound(config)) return [];
  return allDevices(config)
    .filter(({ type }) => type !== "p")
    .map((device) => ({
      destination: device.path,
      prepare: (plan, at) => bound(plan, device, at),
    }));
}

/** The configuration's devices and those defaults whose path it does not use. */
function allDevices(config: Config): Device[] {
  const own = (config.linux?.devices ?? []).map((d) => ({ ...d, path: cleanPath(d.path) }));
  const used = new Set(own.map(({ path }) => path));
  return [...own, ...defaultDevices.filter(({ path }) => !used.has(path))];
}

function made(device: Device): PlannedMount {
  const { path, major, minor, uid = 0, gid = 0, fileMode = 0o666 } = device;
  const mode = typeBits(device) | fileMode;
  return (child) => child.add({ op: "mknod", path, mode, major, minor, uid, gid });
}

/** A user namespace may not make nodes: the host's are bound instead. */
function bound(plan: PlanBuilder, device: Device, at = device.path): PlannedMount {
  if (device.type === "p") return made(device);
  const slot = plan.slot();
  plan.add({ op: "openTree", slot, path: device.path, recursive: false });
  return (child) => child.add({ op: "bindDevice", slot, path: at });
}

function typeBits({ type }: Device): number {
  return type === "p" ? S_IFIFO : type === "b" ? S_IFBLK : S_IFCHR;
}

function character(path: string, major: number, minor: number): Device {
  return { type: "c", path, major, minor, fileMode: 0o666, uid: 0, gid: 0 };
}
