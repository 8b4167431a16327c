// SPDX-License-Identifier: Apache-2.0
/** Whether the kernel has killed in a cgroup because its memory ran out. */
import { ENOENT } from "../kernel/constants.ts";
import { type Kernel, readFile, unlessErrno } from "../kernel/kernel.ts";
import type { CgroupDirectory } from "./cgroup.ts";

const maxBytes = 4096;

/** Counted since the cgroup was made: cgroup-v1/memory.rst, "oom_control"; cgroup-v2.rst, "memory.events". */
export function hasOomKills(kernel: Kernel, directories: readonly CgroupDirectory[]): boolean {
  return directories.some(({ version, controllers, path }) => {
    if (version === 1 && !controllers.includes("memory")) return false;
    const file = version === 1 ? "memory.oom_control" : "memory.events";
    const bytes = unlessErrno(() => readFile(kernel, `${path}/${file}`, maxBytes), ENOENT);
    return bytes !== undefined && /^oom_kill [1-9]/m.test(new TextDecoder().decode(bytes));
  });
}
