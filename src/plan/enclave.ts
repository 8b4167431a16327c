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
export function enter(
  plan: PlanBuilder,
  { name, program, simulator, service, epcBytes }: Entry,
): void {
  const slot = plan.inherit(program);
  if (simulator === undefined) {
    plan.add({ op: "enter", program: slot, argv: [name] });
    return;
  }
  const options = [
    ...(service === undefined ? [] : ["--service", service]),
    ...(epcBytes === undefined ? [] : epcOptions(epcBytes)),
  ];
  plan.add({
    op: "enter",
    program: plan.inherit(simulator),
    argv: ["sgxsim", ...options, "--fd", String(program), "--", name],
  });
}

/** CPUID speaks of whole MiB; what bounds the container is the pool's size (src/enclave/simulated-epc.ts). */
function epcOptions(bytes: number): readonly string[] {
  return ["--epc", `${Math.max(1, Math.floor(bytes / 2 ** 20))}M`, "--epc-pool"];
}
