// SPDX-License-Identifier: Apache-2.0
/** The filter a configuration asks for, as the plan's SECCOMP takes it. */
import type { Kernel } from "../kernel/kernel.ts";
import type { Seccomp } from "../oci/config-linux.ts";
import { findFilter, keepFilter } from "./cache.ts";
import { compileFilter, filterFlags } from "./compile.ts";

export type Filter = { readonly flags: number; readonly filter: Uint8Array };

/** Loads libseccomp only where the filter is not in the cache. */
export async function loadFilter(kernel: Kernel, seccomp: Seccomp): Promise<Filter> {
  const flags = filterFlags(seccomp);
  const found = findFilter(kernel, seccomp);
  if (found !== undefined) return { flags, filter: found };
  const { openLibrary } = await import("./library.ts");
  const filter = compileFilter(kernel, openLibrary(), seccomp);
  keepFilter(kernel, seccomp, filter);
  return { flags, filter };
}
