// SPDX-License-Identifier: Apache-2.0
import { isUnifiedOnly, readHierarchies } from "../cgroups/layout.ts";
import type { Kernel } from "../kernel/kernel.ts";

/** True on a host whose one cgroup hierarchy is version 2. */
export function hasOnlyUnifiedCgroups(kernel: Kernel): boolean {
  return isUnifiedOnly(readHierarchies(kernel));
}
