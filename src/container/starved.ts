// SPDX-License-Identifier: Apache-2.0
/** A container whose memory limit leaves no room for its start: the kernel kills, and says nothing. */
import type { CgroupDirectory } from "../cgroups/cgroup.ts";
import { hasOomKills } from "../cgroups/oom-kills.ts";
import { RuneError } from "../errors/error.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Resources } from "../oci/config-resources.ts";

/**
 * The error for an init that died, if it was killed for want of memory. An empty cgroup that was there
 * before may have counted others.
 */
export function explainStarved(
  kernel: Kernel,
  cgroup: readonly CgroupDirectory[],
  resources: Resources | undefined,
): RuneError | undefined {
  if (!hasOomKills(kernel, cgroup)) return undefined;
  const limit = resources?.memory?.limit;
  const within = limit === undefined ? "" : ` within the limit of ${limit} bytes`;
  return new RuneError({
    code: "CGROUP",
    doing: "start the container's init",
    reason: `memory ran out${within}, and the kernel killed it`,
    hint: "raise `linux.resources.memory.limit` (docker: --memory); an enclave needs room for its own size, too",
  });
}
