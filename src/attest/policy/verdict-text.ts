// SPDX-License-Identifier: Apache-2.0
/** A verdict for people: the checks in order, each with what was compared, and what follows. */
import { describeError, escapeControls, type RuneError } from "../../errors/error.ts";
import type { Check } from "../verify/trace.ts";

export type JudgedEvidence = {
  readonly checks: readonly Check[];
  readonly policyChecks: readonly Check[];
  /** Why the evidence is not genuine; the rest is unknown then. */
  readonly failure: RuneError | undefined;
  readonly accepted: boolean;
  readonly status?: unknown;
  readonly advisories?: unknown;
  readonly simulated?: unknown;
};

export function outcomeLines(outcome: JudgedEvidence, policyFile: string | undefined): string[] {
  const line = ({ name, passed, compared }: Check) =>
    `${passed ? "ok    " : "FAILED"} ${name}: ${escapeControls(compared)}`;
  const lines = outcome.checks.map(line);
  if (outcome.failure !== undefined) {
    return [...lines, `refused: ${describeError(outcome.failure)}`];
  }
  lines.push(`policy ${policyFile === undefined ? "(default: any enclave)" : policyFile}`);
  lines.push(...outcome.policyChecks.map(line));
  const { status, advisories, simulated } = outcome;
  if (Array.isArray(advisories) && advisories.length > 0) {
    lines.push(`advisories: ${advisories.map((id) => escapeControls(String(id))).join(", ")}`);
    lines.push("  https://www.intel.com/content/www/us/en/security-center/default.html");
  }
  if (simulated === true) lines.push("simulation: this evidence proves nothing");
  lines.push(
    outcome.accepted ? `accepted: ${status}` : "refused: genuine, but not what the policy accepts",
  );
  return lines;
}
