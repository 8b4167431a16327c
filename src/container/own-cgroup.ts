// SPDX-License-Identifier: Apache-2.0
/** The cgroup of a container that is being made or restored. */
import {
  type CgroupDirectory,
  cgroupPids,
  createCgroup,
  tasksFiles,
  unifiedPath,
} from "../cgroups/cgroup.ts";
import { ignoredLimits } from "../cgroups/ignored.ts";
import { applyLimits, hasLimits } from "../cgroups/limits.ts";
import { giveCgroup } from "../cgroups/ownership.ts";
import { RuneError } from "../errors/error.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Config } from "../oci/config.ts";
import { cgroupOwner } from "../plan/cgroup-owner.ts";
import type { CgroupPlacement } from "../plan/host.ts";
import { type Caller, isHostRoot } from "../plan/user.ts";
import type { RdtGroups } from "../rdt/groups.ts";
import { rdtTasksFiles } from "../rdt/record.ts";
import type { Deps } from "./deps.ts";

/**
 * Makes and limits it; `made` receives every directory that was missing.
 * @returns what there is of `located`: a caller without rights may do without
 */
export function makeCgroup(
  { kernel, rootless, warn, step }: Deps,
  config: Config,
  caller: Caller,
  located: CgroupDirectory[],
  made: string[],
): CgroupDirectory[] {
  const resources = config.linux?.resources ?? {};
  for (const ignored of ignoredLimits(resources, located)) warn(ignored);
  const demand = {
    limited: hasLimits(resources),
    named: (config.linux?.cgroupsPath ?? "") !== "",
    optional: () => (rootless === "auto" ? !isHostRoot(caller) : rootless === "true"),
  };
  const cgroup = createCgroup(kernel, located, demand, made);
  for (const { path } of cgroup) step?.(`cgroup \`${path}\``);
  applyLimits(kernel, cgroup, resources);
  const owner = cgroupOwner(config);
  if (owner !== undefined) giveCgroup(kernel, cgroup, owner);
  return cgroup;
}

/** How a process gets there, and what the container sees of it. */
export function cgroupPlacement(
  cgroup: readonly CgroupDirectory[],
  rdt?: RdtGroups,
): CgroupPlacement {
  const unified = unifiedPath(cgroup);
  return {
    mounts: cgroup.map(({ version, controllers, path }) => ({
      version,
      path,
      name: version === 2 ? "unified" : controllers.join(",").replace("name=", ""),
      options: controllers,
    })),
    tasksFiles: [...tasksFiles(cgroup), ...rdtTasksFiles(rdt?.record)],
    ...(unified === undefined ? {} : { unified }),
  };
}

/** Before a state file names it: `delete --force` kills what is in the cgroup. */
export function refuseOccupied(kernel: Kernel, located: readonly CgroupDirectory[]): void {
  const occupants = cgroupPids(kernel, located).length;
  if (occupants === 0) return;
  const doing = `use cgroup \`${located[0]?.path}\``;
  const reason = `it is not empty: ${occupants} processes`;
  throw new RuneError({ code: "CGROUP", doing, reason });
}
