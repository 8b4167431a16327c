// SPDX-License-Identifier: Apache-2.0
/** A container's unit of systemd, where it has one. */
import type { ContainerUnit } from "../cgroups/unit.ts";
import type { Config } from "../oci/config.ts";
import type { Deps } from "./deps.ts";
import type { State } from "./state.ts";

/** For `create` and `run`: with --systemd-cgroup the unit that is to be made. */
export async function prepareUnit(
  { kernel, systemd }: Deps,
  id: string,
  config: Config,
): Promise<{ readonly unit?: ContainerUnit }> {
  if (!systemd.wanted) return {};
  const { newUnit } = await import("../cgroups/systemd.ts");
  const choice = { user: systemd.user(), environment: systemd.environment() };
  const cgroupsPath = config.linux?.cgroupsPath ?? "";
  const annotations = config.annotations ?? {};
  return { unit: newUnit(kernel, choice, { id, cgroupsPath, annotations }) };
}

/** The unit of a container that exists, whatever the flags are now; undefined where it has none. */
export async function unitOf(
  { kernel, systemd }: Deps,
  state: State,
): Promise<ContainerUnit | undefined> {
  if (state.systemd === undefined) return undefined;
  const { existingUnit } = await import("../cgroups/systemd.ts");
  return existingUnit(kernel, systemd.environment(), state.systemd);
}
