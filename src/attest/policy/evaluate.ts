// SPDX-License-Identifier: Apache-2.0
/** Whether a policy accepts genuine evidence: every rule is applied, so that all faults are seen. */
import { sameBytes, toHex } from "../../sgx/bytes.ts";
import type { ReportBody } from "../../sgx/report.ts";
import type { GenuineIasReport } from "../ias/verify.ts";
import type { TdReport } from "../quote/td-report.ts";
import type { Check } from "../verify/trace.ts";
import type { GenuineQuote } from "../verify/verdict.ts";
import type { Policy } from "./policy.ts";

export type PolicyVerdict = {
  readonly accepted: boolean;
  /** Every rule that applies, in order, with what was compared. */
  readonly checks: readonly Check[];
};

const DAY_MS = 86_400_000;

/** Judges a quote that is genuine. */
export function evaluateQuote(policy: Policy, verdict: GenuineQuote): PolicyVerdict {
  const { body } = verdict.quote;
  return collect([
    ...(body.tee === "sgx" ? enclaveRules(policy, body.report) : domainRules(policy, body.td)),
    rule("debug", policy.debug || !verdict.debug, verdict.debug ? "debug mode" : "no debug mode"),
    ...reportDataRule(policy, body.tee === "sgx" ? body.report.reportData : body.td.reportData),
    statusRule(policy, verdict),
    ...advisoryRule(policy, verdict.advisoryIds),
    ...minimumRule(
      "evaluation data number",
      verdict.evaluationDataNumber,
      policy.minEvaluationDataNumber,
    ),
    ...listRule("FMSPC", verdict.platform.fmspc, policy.fmspc),
  ]);
}

/** Judges an IAS report that is genuine. */
export function evaluateIasReport(policy: Policy, verdict: GenuineIasReport): PolicyVerdict {
  const { report } = verdict;
  return collect([
    ...enclaveRules(policy, report.quoteBody.report),
    rule("debug", policy.debug || !verdict.debug, verdict.debug ? "debug mode" : "no debug mode"),
    ...reportDataRule(policy, report.quoteBody.report.reportData),
    rule(
      "IAS status",
      policy.iasStatuses.includes(report.status),
      `${report.status}, accepted: ${policy.iasStatuses.join(", ")}`,
    ),
    ...advisoryRule(policy, report.advisoryIds),
  ]);
}

function enclaveRules(policy: Policy, report: ReportBody): Check[] {
  return [
    ...identityRule(policy, "mrenclave, mrsigner", [policy.mrEnclave, policy.mrSigner]),
    ...listRule("MRENCLAVE", report.mrenclave, policy.mrEnclave),
    ...listRule("MRSIGNER", report.mrsigner, policy.mrSigner),
    ...(policy.isvProdId === undefined
      ? []
      : [
          rule(
            "ISVPRODID",
            report.isvProdId === policy.isvProdId,
            `${report.isvProdId}, accepted: ${policy.isvProdId}`,
          ),
        ]),
    ...minimumRule("ISVSVN", report.isvSvn, policy.minIsvSvn),
  ];
}

function domainRules(policy: Policy, td: TdReport): Check[] {
  const service = td.mrServiceTd;
  return [
    ...identityRule(policy, "mrtd", [policy.mrTd]),
    ...listRule("MRTD", td.mrTd, policy.mrTd),
    ...listRule("MRSEAM", td.mrSeam, policy.mrSeam),
    ...td.rtmrs.flatMap((rtmr, index) => listRule(`RTMR${index}`, rtmr, policy.rtmrs[index])),
    // A service domain can read or migrate the one it is bound to.
    ...(service === undefined
      ? []
      : listRule("MRSERVICETD", service, [new Uint8Array(48), ...policy.mrServiceTd])),
  ];
}

/** A policy that only names enclaves accepts no domain, and the other way round. */
function identityRule(
  policy: Policy,
  names: string,
  lists: readonly (readonly Uint8Array[] | undefined)[],
): Check[] {
  if (policy.anyEnclave || lists.some((list) => list !== undefined)) return [];
  return [rule("identity", false, `the policy gives no ${names} for evidence of this kind`)];
}

function statusRule(policy: Policy, { status, tcbDate, at }: GenuineQuote): Check {
  const ageDays = Math.floor((at.getTime() - tcbDate.getTime()) / DAY_MS);
  const inGrace =
    (status === "OutOfDate" || status === "OutOfDateConfigurationNeeded") &&
    policy.tcbGraceDays > 0 &&
    at.getTime() - tcbDate.getTime() <= policy.tcbGraceDays * DAY_MS;
  const grace = policy.tcbGraceDays > 0 ? `, OutOfDate for ${policy.tcbGraceDays} days` : "";
  return rule(
    "TCB status",
    policy.tcbStatuses.includes(status) || inGrace,
    `${status} of ${tcbDate.toISOString().slice(0, 10)} (${ageDays} days), accepted: ${policy.tcbStatuses.join(", ")}${grace}`,
  );
}

function advisoryRule(policy: Policy, advisoryIds: readonly string[]): Check[] {
  const { advisories } = policy;
  if (advisories === undefined) return [];
  const others = advisoryIds.filter((id) => !advisories.includes(id));
  return [
    rule(
      "advisories",
      others.length === 0,
      others.length === 0
        ? `${advisoryIds.join(", ") || "none"}: all accepted`
        : `not accepted: ${others.join(", ")}`,
    ),
  ];
}

function reportDataRule(policy: Policy, reportData: Uint8Array): Check[] {
  return listRule(
    "REPORTDATA",
    reportData,
    policy.reportData === undefined ? undefined : [policy.reportData],
  );
}

function minimumRule(name: string, value: number, minimum: number | undefined): Check[] {
  if (minimum === undefined) return [];
  return [rule(name, value >= minimum, `${value}, at least ${minimum} is wanted`)];
}

function listRule(
  name: string,
  value: Uint8Array,
  accepted: readonly Uint8Array[] | undefined,
): Check[] {
  if (accepted === undefined) return [];
  const found = accepted.filter((one) => sameBytes(one, value)).length > 0;
  return [
    rule(
      name,
      found,
      found
        ? toHex(value)
        : `${toHex(value)}, accepted: ${accepted.map(toHex).join(", ") || "none"}`,
    ),
  ];
}

function rule(name: string, passed: boolean, compared: string): Check {
  return { name, passed, compared };
}

function collect(checks: readonly Check[]): PolicyVerdict {
  return { accepted: checks.every(({ passed }) => passed), checks };
}
