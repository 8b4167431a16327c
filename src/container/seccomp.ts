// SPDX-License-Identifier: Apache-2.0
import type { Config } from "../oci/config.ts";
import type { Filter } from "../seccomp/load.ts";
import type { Deps } from "./deps.ts";

/** The configuration's filter, compiled; nothing is loaded for a configuration without one. */
export async function prepareSeccomp(
  { kernel }: Deps,
  { linux }: Config,
): Promise<{ readonly seccomp?: Filter }> {
  if (linux?.seccomp === undefined) return {};
  const { loadFilter } = await import("../seccomp/load.ts");
  return { seccomp: await loadFilter(kernel, linux.seccomp) };
}
