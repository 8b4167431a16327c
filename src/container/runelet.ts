// SPDX-License-Identifier: Apache-2.0
/** Starting runelet with a plan. */
import type { Fd, Kernel } from "../kernel/kernel.ts";
import type { PlanBuilder } from "../plan/encode.ts";
import type { Deps } from "./deps.ts";

/**
 * Starts the plan and returns our end of its channel. The descriptors the plan inherits are closed
 * here: from now on they are the child's.
 */
export function startPlan(
  { kernel, libDir }: Deps,
  plan: PlanBuilder,
  keep: readonly Fd[] = [],
): Fd {
  const [ours, theirs] = kernel.packetPair();
  const program = kernel.sealedCopy(`${libDir}/runelet`, "runelet");
  const planFd = kernel.sealedMemfd("plan", plan.encode(), false);
  const inherited = [theirs, planFd, ...plan.inherited];
  for (const fd of inherited) kernel.setInherited(fd, true);
  kernel.spawn({
    path: `/proc/self/fd/${program}`,
    argv: ["runelet", String(planFd), String(theirs)],
    env: [],
  });
  for (const fd of [program, ...inherited]) {
    if (!keep.includes(fd)) kernel.close(fd);
  }
  return ours;
}

/** Becomes runelet; the plan has no channel. */
export function becomePlan({ kernel, libDir }: Deps, plan: PlanBuilder): never {
  const planFd = kernel.sealedMemfd("plan", plan.encode(), false);
  for (const fd of [planFd, ...plan.inherited]) kernel.setInherited(fd, true);
  // The monitor stays on the host: no need to hide the file it runs from.
  return kernel.execute({
    path: `${libDir}/runelet`,
    argv: ["runelet", String(planFd), "-"],
    env: [],
  });
}

/** Marks the caller's descriptors 3 to 2+count for the payload. */
export function preserveDescriptors(kernel: Kernel, plan: PlanBuilder, count: number): void {
  for (let fd = 3; fd < 3 + count; fd++) {
    plan.inherit(fd as Fd); // checked against the descriptors that were open at start
    kernel.setInherited(fd as Fd, true);
  }
}
