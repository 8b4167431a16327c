// SPDX-License-Identifier: Apache-2.0
/** Starting runelet with a plan. */
import type { Fd, Pid } from "../kernel/kernel.ts";
import type { PlanBuilder } from "../plan/encode.ts";
import { sendPlan } from "./channel.ts";
import type { Deps } from "./deps.ts";

/** A runelet that waits for its plan. */
export type Runelet = {
  /** Our end of the init channel; when it closes, the runelet and its child end. */
  readonly channel: Fd;
  readonly planFd: Fd;
  readonly pid: Pid;
};

/**
 * Starts runelet before its plan exists: its start then costs no time of ours. `inherited` is what
 * the plan will refer to; those descriptors are closed here, from now on they are the child's, but for
 * `kept`.
 */
export function spawnRunelet(
  { kernel, libDir, step }: Deps,
  inherited: readonly Fd[],
  kept?: Fd,
): Runelet {
  const [channel, theirs] = kernel.packetPair();
  const program = kernel.sealedCopy(`${libDir}/runelet`, "runelet");
  const planFd = kernel.memfd("plan");
  const given = [theirs, planFd, ...inherited];
  for (const fd of given) kernel.setInherited(fd, true);
  const pid = kernel.spawn({
    path: `/proc/self/fd/${program}`,
    argv: ["runelet", String(planFd), String(theirs)],
    env: [],
  });
  for (const fd of [program, theirs, ...inherited.filter((one) => one !== kept)]) kernel.close(fd);
  step?.(`runelet is process ${pid}`);
  return { channel, planFd, pid };
}

const endPatienceMs = 2000; // beyond what a process takes to die unless it hangs in the kernel

/**
 * Reaps the processes of a start that failed; they end with their channel. One that stays a zombie
 * keeps the pid namespace it is in from ending, for ever where the machine's process 1 does not reap
 * (a program as the entry point of a container).
 */
export function reapFailed({ kernel }: Deps): void {
  const deadlineMs = kernel.nowMs() + endPatienceMs;
  for (let waitMs = 1; !kernel.reapChildren() && kernel.nowMs() < deadlineMs; waitMs *= 2) {
    kernel.sleepMs(waitMs);
  }
}

/** Hands the plan over; it runs from now on. */
export function submitPlan(
  { kernel, step }: Deps,
  { channel, planFd }: Runelet,
  plan: PlanBuilder,
): void {
  const bytes = plan.encode();
  step?.(`${summary(plan)}, ${bytes.length} bytes`);
  kernel.write(planFd, bytes);
  kernel.seal(planFd);
  kernel.close(planFd);
  sendPlan(kernel, channel);
}

/** Becomes runelet; the plan has no channel. */
export async function becomePlan(
  { kernel, libDir, step }: Deps,
  plan: PlanBuilder,
): Promise<never> {
  step?.(`becoming the monitor: ${summary(plan)}`);
  const planFd = kernel.memfd("plan");
  kernel.write(planFd, plan.encode());
  kernel.seal(planFd);
  for (const fd of [planFd, ...plan.inherited]) kernel.setInherited(fd, true);
  // The monitor stays on the host: no need to hide the file it runs from.
  return await kernel.execute({
    path: `${libDir}/runelet`,
    argv: ["runelet", String(planFd), "-"],
    env: [],
  });
}

/** Without arguments: the environment is among them. */
function summary({ operations, inherited }: PlanBuilder): string {
  const names = operations.map(({ op }) => op).join(" ");
  return `plan of ${operations.length} operations with ${inherited.length} descriptors: ${names}`;
}

/** The caller's descriptors 3 to 2+count, which the payload gets under the same numbers. */
export function preservedDescriptors(count: number): Fd[] {
  // Checked against what was open at start (checkDescriptors).
  return Array.from({ length: count }, (_, index) => (3 + index) as Fd);
}

export function inheritPreserved(plan: PlanBuilder, count: number): void {
  for (const fd of preservedDescriptors(count)) plan.inherit(fd);
}
