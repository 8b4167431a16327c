// SPDX-License-Identifier: Apache-2.0
import type { Config } from "../oci/config.ts";
import { cleanPath } from "./mounts.ts";
import { isNew } from "./namespaces.ts";
import { hostId } from "./user.ts";

/**
 * The host's id of the user who gets the container's cgroup: only where the container sees nothing
 * but its own cgroup and may write to it, as with runc. Undefined: it stays its maker's.
 */
export function cgroupOwner(config: Config): number | undefined {
  if (!isNew(config, "user") || !isNew(config, "cgroup")) return undefined;
  const mount = config.mounts?.findLast(({ destination }) => {
    return cleanPath(destination) === "/sys/fs/cgroup";
  });
  if (mount?.type !== "cgroup" || (mount.options ?? []).includes("ro")) return undefined;
  return hostId(config.linux?.uidMappings ?? [], config.process.user.uid);
}
