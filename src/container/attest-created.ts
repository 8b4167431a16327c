// SPDX-License-Identifier: Apache-2.0
/** ENCLAVE_RA_TYPE: a container that is not started unless its own evidence verifies. */
import { randomBytes } from "node:crypto";
import type { OwnAttestation } from "../enclave/enclave-config.ts";
import { RuneError } from "../errors/error.ts";
import { attestContainer } from "./attest.ts";
import type { Deps } from "./deps.ts";
import { noteAttestFailure } from "./journal.ts";
import type { State } from "./state.ts";

/**
 * Attests a container whose payload still waits. Simulation is accepted where the container is on it:
 * the node has allowed that, and a warning has said so. @throws RuneError unless it is accepted
 */
export async function attestCreated(
  deps: Deps,
  state: State,
  { type, spid, subscriptionKey }: OwnAttestation,
): Promise<void> {
  const doing = `attest \`${state.id}\``;
  try {
    const reportData = new Uint8Array(randomBytes(64));
    const simulated = state.enclave?.platform === "simulation";
    const { judged, fresh } = await attestContainer(
      deps,
      state,
      {
        id: state.id,
        quoteType: type,
        remote: {
          allowSimulation: simulated,
          trustRoots: [],
          ...(spid === undefined ? {} : { spid }),
          ...(subscriptionKey === undefined ? {} : { subscriptionKey }),
        },
      },
      // The agent checks that the report holds it.
      ({ welcome }) => (welcome.canReportData ? reportData : undefined),
    );
    if (judged?.failure !== undefined) throw judged.failure;
    if (judged?.accepted !== true) throw unaccepted(judged?.policyChecks ?? []);
    deps.step?.(`attested: ${judged.status}${fresh ? "" : ", by a report without freshness"}`);
  } catch (error) {
    const refusal = RuneError.from(error, "attest").within(doing);
    noteAttestFailure(deps, state.id, refusal);
    throw refusal;
  }
}

/** Names the rules that the evidence broke. */
export function unaccepted(
  checks: readonly { readonly name: string; readonly passed: boolean; readonly compared: string }[],
): RuneError {
  const broken = checks.filter(({ passed }) => !passed);
  return new RuneError({
    code: "ATTEST_POLICY",
    doing: "apply policy",
    reason: `the evidence is genuine, but not what is accepted: ${broken
      .map(({ name, compared }) => `${name}: ${compared}`)
      .join("; ")}`,
  });
}
