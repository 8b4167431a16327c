// SPDX-License-Identifier: Apache-2.0
import type { Fd } from "../kernel/kernel.ts";
import type { PlanBuilder } from "../plan/encode.ts";
import { receive } from "./channel.ts";
import type { Deps } from "./deps.ts";
import { spawnRunelet, submitPlan } from "./runelet.ts";

/** Runs a plan that makes no container, and waits until it is through. */
export function runPlan(deps: Deps, plan: PlanBuilder): void {
  const runelet = spawnRunelet(deps, plan.inherited);
  try {
    submitPlan(deps, runelet, plan);
    awaitEnd(deps, runelet.channel);
  } finally {
    deps.kernel.close(runelet.channel);
    deps.kernel.reap(runelet.pid);
  }
}

function awaitEnd({ kernel }: Deps, channel: Fd): void {
  for (;;) {
    const message = receive(kernel, channel);
    if (message.kind === "failed") throw message.error;
    if (message.kind === "end") return;
  }
}
