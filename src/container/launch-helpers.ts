// SPDX-License-Identifier: Apache-2.0
/** The parts of a launch that few containers need, and that are loaded only for these. */
import { RuneError } from "../errors/error.ts";
import type { Config } from "../oci/config.ts";
import type { RdtGroups } from "../rdt/groups.ts";
import type { SeccompFilter } from "../seccomp/filter.ts";
import type { Deps } from "./deps.ts";

/** {@link loadHelpers} has those that a configuration needs. */
export type LaunchHelpers = {
  readonly hooks?: typeof import("./hooks.ts");
  readonly listener?: typeof import("./listener.ts");
  readonly netDevices?: typeof import("./net-devices.ts");
  readonly notify?: typeof import("./notify.ts");
  readonly rdt?: typeof import("../rdt/groups.ts");
};

export async function loadHelpers(
  { hooks = {}, linux: { netDevices = {}, intelRdt } = {} }: Config,
  seccomp?: SeccompFilter,
  notifySocket?: string,
): Promise<LaunchHelpers> {
  const some = Object.values(hooks).some((list) => list.length > 0);
  return {
    ...(some ? { hooks: await import("./hooks.ts") } : {}),
    ...(Object.keys(netDevices).length === 0
      ? {}
      : { netDevices: await import("./net-devices.ts") }),
    ...(seccomp?.listener === undefined ? {} : { listener: await import("./listener.ts") }),
    ...(notifySocket === undefined ? {} : { notify: await import("./notify.ts") }),
    ...(intelRdt === undefined ? {} : { rdt: await import("../rdt/groups.ts") }),
  };
}

/**
 * Takes back the class of service that a start which failed has made. Once the parent of the plan is
 * gone, too: it may have joined.
 */
export function leaveClass({ warn }: Deps, rdt: RdtGroups | undefined): void {
  try {
    rdt?.takeBack();
  } catch (error) {
    const { message } = RuneError.from(error, "undo");
    warn(`a class of service may be left: ${message}`);
  }
}
