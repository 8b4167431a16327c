// SPDX-License-Identifier: Apache-2.0
/** A container's unit of systemd, as the verbs see it; `systemd.ts` is loaded only where there is one. */
import type { Pid } from "../kernel/kernel.ts";
import type { Resources } from "../oci/config-resources.ts";
import type { CgroupDirectory } from "./cgroup.ts";
import type { Hierarchy } from "./layout.ts";

/** What state.json keeps of it. */
export type UnitRecord = {
  /** "rune-web.scope". */
  readonly name: string;
  /** Of the user's manager rather than the system's. */
  readonly user: boolean;
};

export interface ContainerUnit {
  readonly record: UnitRecord;
  /** True once systemd has been given the unit: one of the same name before that is another's. */
  readonly isOurs: boolean;
  /** Where the unit's cgroup will be in each hierarchy. */
  locate(hierarchies: readonly Hierarchy[]): CgroupDirectory[];
  /** Makes the unit, with the process in it, and waits until it is there. */
  start(pid: Pid, resources: Resources, version: 1 | 2): void;
  /** Tells systemd of changed limits, or it would put the old ones back one day. */
  setResources(resources: Resources, version: 1 | 2): void;
  /** Ends the unit if it is ours; one that is gone is no error. */
  stop(): void;
  /** Closes the connection to systemd, if there is one. */
  close(): void;
}

/** How systemd's manager is reached. */
export type ManagerChoice = {
  /** The user's manager rather than the system's. */
  readonly user: boolean;
  /** From the caller's environment. */
  readonly environment: {
    readonly systemBus?: string;
    readonly sessionBus?: string;
    readonly runtimeDirectory?: string;
  };
};
