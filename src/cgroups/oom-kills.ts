// SPDX-License-Identifier: Apache-2.0
import { ENOENT } from "../kernel/constants.ts";
import { type Kernel, readText, unlessErrno } from "../kernel/kernel.ts";
import type { CgroupDirectory } from "./cgroup.ts";

/** How many processes of a cgroup the kernel has killed for want of memory; 0 where it does not count. */
export function oomKills(kernel: Kernel, directories: readonly CgroupDirectory[]): number {
  const counted = directories.flatMap(({ version, controllers, path }) => {
    const file = version === 2 ? "memory.events" : "memory.oom_control";
    if (version === 1 && !controllers.includes("memory")) return [];
    const text = unlessErrno(() => readText(kernel, `${path}/${file}`), ENOENT) ?? "";
    return Number(/^oom_kill ([0-9]+)$/m.exec(text)?.[1] ?? 0);
  });
  return counted.reduce((sum, one) => sum + one, 0);
}
