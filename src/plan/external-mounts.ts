// SPDX-License-Identifier: Apache-2.0
/** Mounts of a container that show something of the host: a checkpoint names them, and has not their content. */
import type { Config, Mount } from "../oci/config.ts";
import { type MountOptions, parseMountOptions } from "../oci/mount-options.ts";
import { type BindInput, planBind } from "./bind-mount.ts";
import { bindCgroup } from "./cgroup-mount.ts";
import { boundDevices } from "./devices.ts";
import type { PlanBuilder } from "./encode.ts";
import type { CgroupMount } from "./host.ts";
import { cleanPath, isBind, type PlannedMount } from "./mounts.ts";
import { isSeparate } from "./namespaces.ts";
import { standIn } from "./user-mounts.ts";

export type ExternalMount = {
  /** Clean and absolute, links of the image not followed. */
  readonly destination: string;
  /** Plans it as it was made for the container, attributes and all, but `at` another place in the root. */
  readonly prepare: (plan: PlanBuilder, at: string) => PlannedMount;
};

export type MountContext = {
  /** What a relative source is relative to. */
  readonly bundle: string;
  readonly input: BindInput;
  readonly cgroups: readonly CgroupMount[];
  readonly unifiedOnly: boolean;
};

export function externalMounts(config: Config, context: MountContext): ExternalMount[] {
  const mounts = (config.mounts ?? []).flatMap((mount) => {
    const bind = boundMount(mount, config, context);
    return bind === undefined ? cgroupMounts(mount, config, context) : [bind];
  });
  return [...mounts, ...boundDevices(config)];
}

/** A bind mount, or what stands in for a file system; undefined for a new one, a remount, and cgroups. */
export function boundMount(
  mount: Mount,
  config: Config,
  { bundle, input }: Pick<MountContext, "bundle" | "input">,
): ExternalMount | undefined {
  const options = parseMountOptions(mount.options ?? []);
  const source = isBind(mount.type, options) ? mount.source : standIn(mount, config, input.caller);
  if (options.remount || source === undefined) return undefined;
  const whole: MountOptions = isBind(mount.type, options)
    ? options
    : { ...options, bind: "rbind", recursiveSet: options.set };
  const prepare = (plan: PlanBuilder, destination: string) =>
    planBind(plan, { ...mount, source }, whole, { config, input, bundle, destination });
  return { destination: cleanPath(mount.destination), prepare };
}

function cgroupMounts(mount: Mount, config: Config, context: MountContext): ExternalMount[] {
  // With a cgroup namespace these are mounts of the container's own, which criu makes again.
  if (mount.type !== "cgroup" || isSeparate(config, "cgroup")) return [];
  const { cgroups, unifiedOnly } = context;
  const destination = cleanPath(mount.destination);
  const options = parseMountOptions(mount.options ?? []);
  return cgroups
    .filter(({ version }) => version === (unifiedOnly ? 2 : 1))
    .map((cgroup) => ({
      destination: unifiedOnly ? destination : `${destination}/${cgroup.name}`,
      prepare: (plan, at) => bindCgroup(plan, cgroup, at, options),
    }));
}
