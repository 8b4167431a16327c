// SPDX-License-Identifier: Apache-2.0
import type { Config } from "../oci/config.ts";
import { type SeccompFilter, seccompFilter } from "../seccomp/filter.ts";
import { checkSeccomp } from "../seccomp/rules.ts";
import type { Deps } from "./deps.ts";
import { seccompCache } from "./store.ts";

/** The filter every process of a container gets; nothing where its configuration has no profile. */
export function seccompOf(
  { kernel, root, seccomp: library }: Deps,
  { linux }: Config,
): { readonly seccomp?: SeccompFilter } {
  const profile = linux?.seccomp;
  if (profile === undefined) return {};
  checkSeccomp(profile);
  const cacheDirectory = seccompCache(root);
  return { seccomp: seccompFilter(profile, { kernel, library, cacheDirectory }) };
}
