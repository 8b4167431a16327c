// SPDX-License-Identifier: Apache-2.0
/** What differs in the plan of an enclave container: who runs it, and what stands in for execve. */
import type { PlanBuilder } from "./encode.ts";
import type { LaunchInput } from "./host.ts";
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
  if (entry !== undefined) {
    const { name, program, simulator, service } = entry;
    const asks = service === undefined ? [] : ["--service", service];
    const slot = plan.inherit(program);
    plan.add(
      simulator === undefined
        ? { op: "enter", program: slot, argv: [name] }
        : {
            op: "enter",
            program: plan.inherit(simulator),
            argv: ["sgxsim", ...asks, "--fd", String(program), "--", name],
          },
    );
  }
  if (enclave !== undefined) {
    plan.add({ op: "palLoad", slot: plan.inherit(enclave.pal), name: enclave.palPath });
  }
}
