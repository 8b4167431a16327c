// SPDX-License-Identifier: Apache-2.0
/** A mount of type `cgroup`: what the container sees of its own cgroups. */
import { MS_PRIVATE, MS_SLAVE } from "../kernel/constants.ts";
import type { Config } from "../oci/config.ts";
import { type MountOptions, mountAttributes } from "../oci/mount-options.ts";
import type { PlanBuilder } from "./encode.ts";
import type { CgroupMount, LaunchInput } from "./host.ts";
import type { PlannedMount } from "./mounts.ts";
import { isSeparate } from "./namespaces.ts";

/**
 * On a version 2 host the one hierarchy; otherwise a tmpfs with the version 1 hierarchies, as runc
 * and systemd lay them out. Without a cgroup namespace the container's own directories are bound, so
 * that it does not see its neighbours.
 */
export function planCgroupMount(
  plan: PlanBuilder,
  options: MountOptions,
  destination: string,
  config: Config,
  input: LaunchInput,
): PlannedMount {
  const own = isSeparate(config, "cgroup");
  const wanted = input.cgroups.mounts.filter(
    ({ version }) => version === (input.unifiedOnly ? 2 : 1),
  );
  if (input.unifiedOnly) {
    const [unified] = wanted;
    // Also where the container stays in its maker's cgroup: the namespace's root is what it sees.
    if (own) return newMount("cgroup2", [], destination, options);
    return unified === undefined ? () => {} : bindCgroup(plan, unified, destination, options);
  }
  const hierarchies = wanted.map((mount) => {
    const at = `${destination}/${mount.name}`;
    return own
      ? newMount("cgroup", mount.options, at, options)
      : bindCgroup(plan, mount, at, options);
  });
  return (child) => {
    child.add({
      op: "mountFs",
      type: "tmpfs",
      source: "tmpfs",
      options: ["mode=755"],
      attributes: options.set & ~mountAttributes.readOnly,
      propagation: MS_PRIVATE,
      destination,
      links: true,
    });
    for (const hierarchy of hierarchies) hierarchy(child);
    for (const { name } of wanted) linkControllers(child, destination, name);
    child.add({ op: "attributes", path: destination, set: options.set & mountAttributes.readOnly });
  };
}

/** Programs look for `cpu` where the host has mounted `cpu,cpuacct`, and find it by a link. */
function linkControllers(child: PlanBuilder, destination: string, name: string): void {
  const controllers = name.split(",");
  if (controllers.length === 1) return;
  for (const controller of controllers) {
    child.add({ op: "symlink", target: name, path: `${destination}/${controller}` });
  }
}

function newMount(
  type: string,
  parameters: readonly string[],
  destination: string,
  options: MountOptions,
): PlannedMount {
  return (child) => {
    child.add({
      op: "mountFs",
      type,
      source: type,
      options: parameters,
      attributes: options.set,
      propagation: MS_PRIVATE,
      destination,
      links: true,
    });
  };
}

/** Shows one of the container's own cgroups, without those around it. */
export function bindCgroup(
  plan: PlanBuilder,
  mount: CgroupMount,
  destination: string,
  options: MountOptions,
): PlannedMount {
  const slot = plan.slot();
  plan.add({ op: "openTree", slot, path: mount.path, recursive: false });
  return (child) => {
    child.add({
      op: "mountTree",
      slot,
      destination,
      set: options.set,
      clear: options.clear,
      reset: 0,
      recursiveSet: 0,
      recursiveClear: 0,
      base: MS_SLAVE,
      propagation: { flag: MS_PRIVATE, recursive: false },
    });
  };
}
