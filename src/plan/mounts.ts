// SPDX-License-Identifier: Apache-2.0
/** The mounts of config.json, in their order, below the new root. */
import { RuneError } from "../errors/error.ts";
import { MS_PRIVATE } from "../kernel/constants.ts";
import type { Config, Mount } from "../oci/config.ts";
import { type MountOptions, mountAttributes, parseMountOptions } from "../oci/mount-options.ts";
import { planCgroupMount } from "./cgroup-mount.ts";
import type { PlanBuilder } from "./encode.ts";
import type { LaunchInput } from "./host.ts";
import { isNew } from "./namespaces.ts";
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
  refuseUnsupported(mount, options);
  if (isBind(mount.type, options)) return planBind(plan, mount, options, destination, bundle);
  const source = standIn(mount, config, input.caller);
  if (source !== undefined) {
    // What is mounted below is as read-only as it would be if it were not there at all.
    const whole: MountOptions = { ...options, bind: "rbind", recursiveSet: options.set };
    return planBind(plan, { ...mount, source }, whole, destination, bundle);
  }
  if (mount.type === "cgroup") return planCgroupMount(plan, options, destination, config, input);
  if (mount.type === "mqueue" || mount.type === "sysfs" || mount.type === "proc") {
    // These take no data; runc ignores what a configuration gives them.
    return newInstance(
      mount,
      { ...options, data: mount.type === "proc" ? options.data : [] },
      destination,
    );
  }
  const data = withoutUnmappedGid(mount, options.data, config);
  return newInstance(mount, { ...options, data }, destination);
}

function newInstance(mount: Mount, options: MountOptions, destination: string): PlannedMount {
  const type = mount.type ?? "";
  // A read-only /dev could not be filled: it becomes read-only afterwards.
  const postponed = destination === "/dev" ? mountAttributes.readOnly : 0;
  const attributes = options.set & ~postponed;
  return (child) => {
    child.add({
      op: "mountFs",
      type,
      source: mount.source ?? type,
      options: [...options.superblock.filter((o) => o !== "ro" && o !== "rw"), ...options.data],
      attributes,
      propagation: options.propagation?.flag ?? MS_PRIVATE,
      destination,
    });
  };
}

function planBind(
  plan: PlanBuilder,
  mount: Mount,
  options: MountOptions,
  destination: string,
  bundle: string,
): PlannedMount {
  const { source } = mount;
  if (source === undefined || source === "") {
    throw invalid(mount, "a bind mount needs a source");
  }
  const slot = plan.slot();
  const path = source.startsWith("/") ? source : `${bundle}/${source}`;
  // An option list with neither is a bind mount by its type: recursive, as runc takes it.
  plan.add({ op: "openTree", slot, path, recursive: options.bind !== "bind" });
  return (child) => {
    child.add({
      op: "mountTree",
      slot,
      destination,
      set: options.set,
      clear: options.clear,
      recursiveSet: options.recursiveSet,
      recursiveClear: options.recursiveClear,
      propagation: options.propagation ?? { flag: 0, recursive: false },
    });
  };
}

function isBind(type: string | undefined, options: MountOptions): boolean {
  return options.bind !== "none" || type === "bind";
}

function refuseUnsupported(mount: Mount, options: MountOptions): void {
  const what =
    options.idmap !== "none" || mount.uidMappings !== undefined
      ? "idmapped mounts"
      : options.tmpCopyUp
        ? "tmpcopyup"
        : options.remount
          ? "remount"
          : undefined;
  if (what === undefined) return;
  const doing = `config mount \`${mount.destination}\``;
  throw new RuneError({ code: "CONFIG_UNSUPPORTED", doing, reason: `${what} cannot be done yet` });
}

function invalid(mount: Mount, reason: string): RuneError {
  return new RuneError({
    code: "CONFIG_INVALID",
    doing: `config mount \`${mount.destination}\``,
    reason,
  });
}

/** Whether the mount has a user namespace of its own making, where device nodes cannot be made. */
export function devicesAreBound(config: Config): boolean {
  return isNew(config, "user") || config.linux?.namespaces?.some((n) => n.type === "user") === true;
}
