// SPDX-License-Identifier: Apache-2.0
/** `linux.rootfsPropagation`: of the root, and of what is bound into it. */
import { MS_PRIVATE, MS_SHARED, MS_SLAVE, MS_UNBINDABLE } from "../kernel/constants.ts";
import type { Config } from "../oci/config.ts";
import { parsePropagation } from "../oci/mount-options.ts";
import type { PlanBuilder } from "./encode.ts";
import { isSeparate } from "./namespaces.ts";
import type { Caller } from "./user.ts";

/**
 * What bound trees have to do with their sources before their own options count. runc changes the
 * whole mount namespace to `rootfsPropagation` and binds in it: with `shared`, a bind mount is the
 * host's peer, which is how an engine gives a container the right to mount on the host (`rshared`
 * volumes). A user namespace only ever has slaves: the kernel makes them when it copies the mounts.
 */
export function baseOfBinds(config: Config, caller: Caller): number {
  const flag = parsePropagation(config.linux?.rootfsPropagation ?? "")?.flag;
  if (flag === MS_SHARED) {
    return isSeparate(config, "user") || caller.inUserNamespace ? MS_SLAVE : 0;
  }
  return flag === MS_PRIVATE || flag === MS_UNBINDABLE ? MS_PRIVATE : MS_SLAVE;
}

/** At the end, so that it does not change what mounting means. */
export function planRootPropagation(plan: PlanBuilder, config: Config): void {
  const propagation = parsePropagation(config.linux?.rootfsPropagation ?? "");
  if (propagation === undefined) return;
  // A peer group of its own: nothing comes from the mount that the bundle is on, as with runc.
  if (propagation.flag === MS_SHARED) {
    plan.add({ op: "propagation", path: "/", flag: MS_PRIVATE, recursive: false });
  }
  plan.add({ op: "propagation", path: "/", ...propagation });
}
