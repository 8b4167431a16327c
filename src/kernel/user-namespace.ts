// SPDX-License-Identifier: Apache-2.0
import { ENOENT } from "./constants.ts";
import { type Kernel, readText, unlessErrno } from "./kernel.ts";

/** The initial namespace maps everything: "0 0 4294967295"; a kernel without any has no map. */
export function isInUserNamespace(kernel: Kernel): boolean {
  const map = unlessErrno(() => readText(kernel, "/proc/self/uid_map"), ENOENT);
  return map !== undefined && !/^\s*0\s+0\s+4294967295\s*$/.test(map);
}
