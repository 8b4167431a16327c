// SPDX-License-Identifier: Apache-2.0
/** The mounts of config.json, in their order, below the new root. */
import { RuneError } from "../errors/error.ts";
import type { Config, Mount } from "../oci/config.ts";
import { type MountOptions, parseMountOptions, resetAttributes } from "../oci/mount-options.ts";
import { planBind } from "./bind-mount.ts";
import { planCgroupMount } from "./cgroup-mount.ts";
import type { PlanBuilder } from "./encode.ts";
import type { LaunchInput } from "./host.ts";
import { wantsIdMap } from "./id-map.ts";
import { isNew } from "./namespaces.ts";
import { instanceOptions, planNewMount } from "./new-mount.ts";
import { checkProcMount } from "./proc-mount.ts";
import { standIn, withoutUnmappedGid } from "./user-mounts.ts";

/** Mounts that are opened before the split, where the sources are still the host's. */
export type PlannedMount = (child: PlanBuilder) => void;

/**
 * Plans the host side of every mount and returns what the child has to do. Sources are opened by the
 * parent: with its rights, in its mount namespace, before anything of the image is in the way.
 */
export function planMounts(
  plan: PlanBuilder,
  config: Config,
  input: LaunchInput,
  bundle: string,
): PlannedMount[] {
  return (config.mounts ?? []).map((mount) => planMount(plan, mount, config, input, bundle));
}

/** True when /dev is the host's or the bundle's own: then it is left as it is. */
export function hasOwnDev(config: Config): boolean {
  return (config.mounts ?? []).some(
    ({ destination, type, options = [] }) =>
      cleanPath(destination) === "/dev" && isBind(type, parseMountOptions(options)),
  );
}

/** Lexically clean and absolute: "run/../a//b/" becomes "/a/b". */
export function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

function planMount(
  plan: PlanBuilder,
  mount: Mount,
  config: Config,
  input: LaunchInput,
  bundle: string,
): PlannedMount {
  const options = parseMountOptions(mount.options ?? []);
  const destination = cleanPath(mount.destination);
  const bind = isBind(mount.type, options);
  checkProcMount(mount, destination, bind);
  checkOptions(mount, options, bind);
  if (options.remount) return planRemount(options, destination, bind);
  const binds = { config, input, bundle, destination };
  if (bind) return planBind(plan, mount, options, binds);
  const source = standIn(mount, config, input.caller);
  if (source !== undefined) {
    // What is mounted below is as read-only as it would be if it were not there at all.
    const whole: MountOptions = { ...options, bind: "rbind", recursiveSet: options.set };
    return planBind(plan, { ...mount, source }, whole, binds);
  }
  if (mount.type === "cgroup") return planCgroupMount(plan, options, destination, config, input);
  const data = withoutUnmappedGid(mount, options.data, config);
  return planNewMount(mount, { ...options, data }, destination);
}

function planRemount(options: MountOptions, path: string, bind: boolean): PlannedMount {
  const { set, clear } = options;
  const reset = resetAttributes(options);
  return (child) => {
    const instance = bind ? {} : { options: [...instanceOptions(options), ...options.data] };
    child.add({ op: "remount", path, set, clear, reset, ...instance });
  };
}

/** Whether it shows a directory or file of the host. */
export function isBind(type: string | undefined, options: MountOptions): boolean {
  return options.bind !== "none" || type === "bind";
}

function checkOptions(mount: Mount, options: MountOptions, bind: boolean): void {
  const reason =
    wantsIdMap(mount, options) && (!bind || options.remount)
      ? "only a bind mount can be idmapped"
      : options.tmpCopyUp && (bind || mount.type !== "tmpfs")
        ? "only a tmpfs can start with a copy (tmpcopyup)"
        : undefined;
  if (reason === undefined) return;
  const doing = `config mount \`${mount.destination}\``;
  throw new RuneError({ code: "CONFIG_INVALID", doing, reason });
}

/** Whether the mount has a user namespace of its own making, where device nodes cannot be made. */
export function devicesAreBound(config: Config): boolean {
  return isNew(config, "user") || config.linux?.namespaces?.some((n) => n.type === "user") === true;
}
