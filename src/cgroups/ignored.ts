// SPDX-License-Identifier: Apache-2.0
/** What of `linux.resources` has no effect on this host, and is let pass because every engine relies on that. */
import type { Resources } from "../oci/config-resources.ts";
import type { CgroupDirectory } from "./cgroup.ts";
import { isSet } from "./controller.ts";

type Field = {
  /** Of version 1; version 2 has nothing in its place. */
  readonly controller: string;
  readonly name: string;
  readonly asked: (resources: Resources) => boolean;
};

/** As with runc: dockerd and others write these without a look at the host. */
const onlyVersion1: readonly Field[] = [
  field("memory", "memory.swappiness", ({ memory }) => memory?.swappiness !== undefined),
  field("memory", "memory.disableOOMKiller", ({ memory }) => memory?.disableOOMKiller === true),
  field("cpu", "cpu.realtimePeriod", ({ cpu }) => isSet(cpu?.realtimePeriod)),
  field("cpu", "cpu.realtimeRuntime", ({ cpu }) => isSet(cpu?.realtimeRuntime)),
  field("blkio", "blockIO.leafWeight", ({ blockIO }) => isSet(blockIO?.leafWeight)),
  field("blkio", "blockIO.weightDevice[].leafWeight", ({ blockIO }) =>
    (blockIO?.weightDevice ?? []).some(({ leafWeight }) => isSet(leafWeight)),
  ),
  field("net_cls", "network.classID", ({ network }) => isSet(network?.classID)),
  field("net_prio", "network.priorities", ({ network }) => isSet(network?.priorities?.length)),
];

/** A warning for each limit that is asked for and ignored in these cgroups of a container. */
export function ignoredLimits(
  resources: Resources,
  directories: readonly CgroupDirectory[],
): string[] {
  const isHere = ({ controller }: Field) => isReplaced(controller, directories);
  return [
    ...ignoredEverywhere(resources),
    ...onlyVersion1
      .filter((one) => isHere(one) && one.asked(resources))
      .map(({ name }) => `ignoring \`${name}\`: cgroup version 2 has no such limit`),
  ];
}

/**
 * Whether version 2 is in the place of a controller of version 1. Where there are hierarchies of both,
 * one that version 2 lacks is missing rather than replaced.
 */
export function isReplaced(controller: string, directories: readonly CgroupDirectory[]): boolean {
  if (!directories.some(({ version }) => version === 2)) return false;
  const lacking = controller === "net_cls" || controller === "net_prio";
  return lacking
    ? directories.every(({ version }) => version === 2)
    : !directories.some(({ controllers }) => controllers.includes(controller));
}

function ignoredEverywhere({ memory = {} }: Resources): string[] {
  const { kernel = 0n, kernelTCP = 0n, useHierarchy } = memory;
  return [
    ...(kernel === 0n ? [] : ["ignoring `memory.kernel`: kernels since 5.16 have no such limit"]),
    ...(kernelTCP === 0n ? [] : ["ignoring `memory.kernelTCP`: runtimes no longer set it"]),
    ...(useHierarchy === false
      ? ["ignoring `memory.useHierarchy`: kernels since 5.11 always count hierarchically"]
      : []),
  ];
}

function field(controller: string, name: string, asked: Field["asked"]): Field {
  return { controller, name, asked };
}
