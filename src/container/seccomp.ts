// SPDX-License-Identifier: Apache-2.0
import type { Config } from "../oci/config.ts";
import type { Seccomp } from "../plan/host.ts";
import type { SeccompFilter } from "../seccomp/filter.ts";
import type { Deps } from "./deps.ts";

/** The part that a plan needs. */
export function plannedSeccomp({ flags, filter, listener }: SeccompFilter): Seccomp {
  return { flags, filter, notifies: listener !== undefined };
}

/** Kept over all state roots: a node has few profiles, engines have a root for each namespace. */
const cacheDirectory = "/run/inclavare/seccomp";

/**
 * The filter of every process of a container. Nothing is loaded for a configuration without one, and
 * no library where the filter is in the cache.
 */
export async function prepareSeccomp(
  { kernel }: Deps,
  { linux }: Config,
): Promise<{ readonly seccomp?: SeccompFilter }> {
  const profile = linux?.seccomp;
  if (profile === undefined) return {};
  const [{ seccompFilter }, { libseccomp }] = await Promise.all([
    import("../seccomp/filter.ts"),
    import("../kernel/libseccomp.ts"),
  ]);
  const library = libseccomp(kernel);
  return { seccomp: seccompFilter(profile, { kernel, library, cacheDirectory }) };
}
