// SPDX-License-Identifier: Apache-2.0
/** What differs in the plan of an enclave container: who runs it, and what stands in for execve. */
import type { PlanBuilder } from "./encode.ts";
import type { Entry, LaunchInput } from "./host.ts";
import type { Slot } from "./operation.ts";

/** The part of an enclave that the last steps of a plan need. */
export type EnclaveSteps = {
  readonly palArgs: string;
  readonly logLevel: string;
  readonly agent: Slot;
};

/**
 * Right behind CLONE: the child becomes init-runelet, or the simulated platform with the next program
 * inside. The PAL is loaded while the host's libraries are still in sight.
 */
export function planEntry(plan: PlanBuilder, { entry, enclave }: LaunchInput): void {
  if (entry !== undefined) enter(plan, entry);
  if (enclave !== undefined) {
    plan.add({ op: "palLoad", slot: plan.inherit(enclave.pal), name: enclave.palPath });
  }
}

/** The rest of the plan is that program's. */
export function enter(plan: PlanBuilder, { name, program, simulator, service }: Entry): void {
  const slot = plan.inherit(program);
  if (simulator === undefined) {
    plan.add({ op: "enter", program: slot, argv: [name] });
    return;
  }
  const asks = service === undefined ? [] : ["--service", service];
  plan.add({
    op: "enter",
    program: plan.inherit(simulator),
    argv: ["sgxsim", ...asks, "--fd", String(program), "--", name],
  });
}
