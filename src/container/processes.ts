// SPDX-License-Identifier: Apache-2.0
import { cgroupPids } from "../cgroups/cgroup.ts";
import type { Deps } from "./deps.ts";
import { peekState } from "./store.ts";

/** The pids of all processes in the container's cgroup and below, in the caller's pid namespace. */
export function processes({ kernel, root }: Deps, id: string): number[] {
  return cgroupPids(kernel, peekState(kernel, root, id).cgroup);
}
