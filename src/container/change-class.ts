// SPDX-License-Identifier: Apache-2.0
/** `update` of the schemata of a container's class of service: a group of resctrl, not a cgroup. */
import { cgroupPids } from "../cgroups/cgroup.ts";
import { RuneError } from "../errors/error.ts";
import { ENOENT } from "../kernel/constants.ts";
import { type Kernel, unlessErrno } from "../kernel/kernel.ts";
import { changeSchemata, moveTasks, type SchemaChange } from "../rdt/change.ts";
import { RdtGroups } from "../rdt/groups.ts";
import { ignoredLines } from "../rdt/schemata.ts";
import type { Deps } from "./deps.ts";
import type { State } from "./state.ts";
import type { ContainerDirectory } from "./store.ts";

/** Does what the request names; what it returns takes that back. */
export function changeClass(
  { kernel, warn }: Deps,
  directory: ContainerDirectory,
  state: State,
  { l3CacheSchema = "", memBwSchema = "" }: SchemaChange,
): () => void {
  if (l3CacheSchema === "" && memBwSchema === "") return () => {};
  const change = { l3CacheSchema, memBwSchema };
  for (const line of ignoredLines(change)) warn(`ignoring \`${line}\`: it is no cache's`);
  if (state.intelRdt !== undefined) return changeSchemata(kernel, state.intelRdt, change);
  return giveClass(kernel, directory, state, change);
}

/** As runc does, a container that has none gets a class of its own; all its tasks move there. */
function giveClass(
  kernel: Kernel,
  directory: ContainerDirectory,
  state: State,
  change: SchemaChange,
): () => void {
  if (state.monitored === true) {
    const doing = "make a class of service";
    const reason = "`rune run` in the foreground has planned already what it will remove";
    const hint = "start it with `linux.intelRdt`, or with --detach";
    throw new RuneError({ code: "CONFIG_UNSUPPORTED", doing, reason, hint });
  }
  const groups = new RdtGroups(kernel, change, state.id);
  const { record } = groups;
  // First, as in a start: whoever finds the state file can remove what follows.
  directory.writeState({ ...state, intelRdt: record });
  const takeBack = () => {
    for (const path of record.own) unlessErrno(() => kernel.rmdir(path), ENOENT);
    directory.writeState(state);
  };
  try {
    groups.make();
    moveTasks(kernel, record, () => pidsOf(kernel, state));
  } catch (error) {
    takeBack();
    throw error;
  }
  return takeBack;
}

function pidsOf(kernel: Kernel, { cgroup, init }: State): number[] {
  return [...(init === undefined ? [] : [init.pid]), ...cgroupPids(kernel, cgroup)];
}
