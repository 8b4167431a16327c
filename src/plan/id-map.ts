// SPDX-License-Identifier: Apache-2.0
/** Idmapped mounts: `idmap`, `ridmap`, and the mappings of a mount. */
import { RuneError } from "../errors/error.ts";
import type { Config, Mount } from "../oci/config.ts";
import type { IdMapping } from "../oci/config-linux.ts";
import type { MountOptions } from "../oci/mount-options.ts";
import type { PlanBuilder } from "./encode.ts";
import type { LaunchInput } from "./host.ts";
import type { Slot } from "./operation.ts";
import { isHostRoot, mapText } from "./user.ts";

/** True when the mount is to show other owners than its files have. */
export function wantsIdMap(mount: Mount, options: MountOptions): boolean {
  return options.idmap !== "none" || isGiven(mount.uidMappings) || isGiven(mount.gidMappings);
}

/** Plans the mapping of a tree that has just been opened, where it was not attached yet. */
export function planIdMap(
  plan: PlanBuilder,
  slot: Slot,
  mount: Mount,
  options: MountOptions,
  config: Config,
  input: Pick<LaunchInput, "caller" | "namespaces">,
): void {
  // The kernel wants rights over the file system, and those are the host's root's.
  if (!isHostRoot(input.caller)) {
    throw refused(mount, "only the host's root can make idmapped mounts", "CONFIG_UNSUPPORTED");
  }
  plan.add({
    op: "idMap",
    slot,
    path: mount.destination,
    recursive: options.idmap === "ridmap",
    ...mappingOf(plan, mount, config, input),
  });
}

type Mapping = { readonly namespace?: Slot; readonly uidMap: string; readonly gidMap: string };

/** The mount's own mapping, else that of the container. */
function mappingOf(
  plan: PlanBuilder,
  mount: Mount,
  config: Config,
  input: Pick<LaunchInput, "caller" | "namespaces">,
): Mapping {
  const { uidMappings = [], gidMappings = [] } = mount;
  if (isGiven(uidMappings) !== isGiven(gidMappings)) {
    throw refused(mount, "it needs both uidMappings and gidMappings");
  }
  if (isGiven(uidMappings)) return maps(uidMappings, gidMappings);
  const { linux } = config;
  const user = linux?.namespaces?.find(({ type }) => type === "user");
  if (user === undefined) {
    throw refused(mount, "it has no mappings, and the container has no user namespace to take");
  }
  const joined = input.namespaces.get(user.path ?? "");
  if (joined !== undefined) return { namespace: plan.inherit(joined), uidMap: "", gidMap: "" };
  return maps(linux?.uidMappings ?? [], linux?.gidMappings ?? []);
}

function maps(uids: readonly IdMapping[], gids: readonly IdMapping[]): Mapping {
  return { uidMap: mapText(uids), gidMap: mapText(gids) };
}

function isGiven(mappings: readonly IdMapping[] | undefined): boolean {
  return mappings !== undefined && mappings.length > 0;
}

function refused(
  mount: Mount,
  reason: string,
  code: "CONFIG_INVALID" | "CONFIG_UNSUPPORTED" = "CONFIG_INVALID",
): RuneError {
  return new RuneError({ code, doing: `config mount \`${mount.destination}\``, reason });
}
