// SPDX-License-Identifier: Apache-2.0
/** Bind mounts: a tree of the host, opened before anything of the image is in the way. */
import { RuneError } from "../errors/error.ts";
import type { Config, Mount } from "../oci/config.ts";
import { type MountOptions, resetAttributes } from "../oci/mount-options.ts";
import type { PlanBuilder } from "./encode.ts";
import type { LaunchInput } from "./host.ts";
import { planIdMap, wantsIdMap } from "./id-map.ts";
import type { PlannedMount } from "./mounts.ts";
import { baseOfBinds } from "./propagation.ts";

/** What the making of a bind mount needs to know of the host. */
export type BindInput = Pick<LaunchInput, "caller" | "namespaces">;

export type BindContext = {
  readonly config: Config;
  readonly input: BindInput;
  /** What a relative source is relative to. */
  readonly bundle: string;
  readonly destination: string;
};

export function planBind(
  plan: PlanBuilder,
  mount: Mount,
  options: MountOptions,
  { config, input, bundle, destination }: BindContext,
): PlannedMount {
  const { source } = mount;
  if (source === undefined || source === "") {
    throw new RuneError({
      code: "CONFIG_INVALID",
      doing: `config mount \`${mount.destination}\``,
      reason: "a bind mount needs a source",
    });
  }
  const slot = plan.slot();
  const path = source.startsWith("/") ? source : `${bundle}/${source}`;
  // An option list with neither is a bind mount by its type: recursive, as runc takes it.
  plan.add({ op: "openTree", slot, path, recursive: options.bind !== "bind" });
  if (destination === "/proc") plan.add({ op: "demandProc", slot, path: destination });
  if (wantsIdMap(mount, options)) planIdMap(plan, slot, mount, options, config, input);
  return (child) => {
    child.add({
      op: "mountTree",
      slot,
      destination,
      set: options.set,
      clear: options.clear,
      reset: resetAttributes(options),
      recursiveSet: options.recursiveSet,
      recursiveClear: options.recursiveClear,
      base: baseOfBinds(config, input.caller),
      propagation: options.propagation ?? { flag: 0, recursive: false },
    });
  };
}
