// SPDX-License-Identifier: Apache-2.0
import { removeMade } from "../cgroups/cgroup.ts";
import type { ContainerUnit } from "../cgroups/unit.ts";
import { RuneError } from "../errors/error.ts";
import type { RdtGroups } from "../rdt/groups.ts";
import type { Deps } from "./deps.ts";
import { destroy } from "./destroy.ts";
import { leaveClass } from "./launch-helpers.ts";
import type { NetDevices } from "./net-devices.ts";
import { reapFailed } from "./runelet.ts";
import type { State } from "./state.ts";
import type { ContainerDirectory } from "./store.ts";

export type Made = {
  /** With what there is of its cgroup. */
  readonly state: State;
  readonly unit: ContainerUnit | undefined;
  readonly madeCgroups: readonly string[];
  /** Its class of service. */
  readonly rdt: RdtGroups | undefined;
  /** Where poststop hooks are to run. */
  readonly hooks: typeof import("./hooks.ts") | undefined;
};

/** Before the end of the namespace in which they are. A failure here must not hide the first one. */
export function takeDevicesBack({ warn }: Deps, devices: NetDevices | undefined): void {
  try {
    devices?.takeBack();
  } catch (error) {
    const { message } = RuneError.from(error, "take network devices back");
    warn(`a network device may be lost: ${message}`);
  }
}

/**
 * Takes back a container whose making has failed, in the reverse order, and releases its directory. A
 * failure here must not hide the first one: it is a warning.
 */
export function undoMaking(deps: Deps, directory: ContainerDirectory, made: Made): void {
  const { state, unit, madeCgroups, rdt, hooks } = made;
  try {
    destroy(deps, directory, state, unit);
    removeMade(deps.kernel, madeCgroups);
    hooks?.runPoststop(deps, state);
  } catch (error) {
    const { message } = RuneError.from(error, "undo");
    deps.warn(`\`rune delete --force ${state.id}\` has to finish this: ${message}`);
  }
  reapFailed(deps);
  leaveClass(deps, rdt);
  directory.release();
}
