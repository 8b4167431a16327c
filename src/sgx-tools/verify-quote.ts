// SPDX-License-Identifier: Apache-2.0
/** `sgx-tools verify-quote`: the verdict on a quote under a policy, printed check by check. */

import { loadCollateral } from "../attest/fetch/load-collateral.ts";
import { iasReportOf, iasReportOfJson } from "../attest/ias/files.ts";
import { type IasReport, verifyIasReport } from "../attest/ias/verify.ts";
import { evaluateIasReport, evaluateQuote, type PolicyVerdict } from "../attest/policy/evaluate.ts";
import { DEFAULT_POLICY, type Policy } from "../attest/policy/policy.ts";
import { policyOfText } from "../attest/policy/policy-text.ts";
import { outcomeLines } from "../attest/policy/verdict-text.ts";
import { parseEpidQuote } from "../attest/quote/epid.ts";
import { LONGEST_QUOTE_BYTES } from "../attest/quote/quote.ts";
import type { Check } from "../attest/verify/trace.ts";
import { verifyQuote } from "../attest/verify/verify-quote.ts";
import { RuneError } from "../errors/error.ts";
import type { OptionValues } from "../options/option.ts";
import { sameBytes } from "../sgx/bytes.ts";
import { type Description, describeReportBody } from "./describe.ts";
import { describeBody } from "./describe-evidence.ts";
import type { verifyQuote as command } from "./evidence-commands.ts";
import { printLine, readInput, writeOutput } from "./files.ts";
import type { JudgedQuote } from "./page/verdict-page.ts";
import { quoteTypeOf } from "./quote-type.ts";
import { anchorsOf, parseTime } from "./trust-options.ts";

type Values = OptionValues<typeof command.options>;

/** What is printed: all checks, the verdict, and what is known of genuine evidence. */
type Outcome = {
  readonly checks: readonly Check[];
  readonly policyChecks: readonly Check[];
  readonly failure: RuneError | undefined;
  readonly accepted: boolean;
  readonly facts: Description;
  readonly judged: Judged;
};

/** What the verdict is on; a page shows it. */
type Judged = Pick<JudgedQuote, "quote" | "collateral" | "certificates">;

const LONGEST_TEXT_BYTES = 1 << 20;
const DAY_MS = 86_400_000;

/** Returns the exit status: 0 only for a verdict that the policy accepts. */
export async function verifyQuoteFile(values: Values, now: Date): Promise<number> {
  const at = values.at === undefined ? now : parseTime("verify-quote", values.at);
  const policy = loadPolicy(values);
  const outcome =
    quoteTypeOf("verify-quote", values["quote-type"]) === "ecdsa"
      ? await judgeEcdsa(values, policy, at)
      : judgeEpid(values, policy, at);
  if (values.html !== undefined) await writePage(values.html, outcome, values, at);
  if (values.json) printJson(outcome, at);
  else printText(outcome, values.policy);
  return outcome.accepted ? 0 : 1;
}

async function writePage(file: string, outcome: Outcome, values: Values, at: Date): Promise<void> {
  const { verdictPage } = await import("./page/verdict-page.ts");
  const { judged, ...rest } = outcome;
  const page = verdictPage({
    ...rest,
    ...judged,
    file: values.quote,
    at,
    policyFile: values.policy,
  });
  writeOutput(file, new TextEncoder().encode(page));
}

async function judgeEcdsa(values: Values, policy: Policy, at: Date): Promise<Outcome> {
  if (values.collateral === undefined) {
    throw usage(
      "`--collateral` is needed: a directory, a JSON file, or the address of a PCS or PCCS",
      "sgx-tools collateral fetch makes such a directory",
    );
  }
  const quote = readInput(values.quote, LONGEST_QUOTE_BYTES);
  const collateral = await loadCollateral(values.collateral, quote, values, readInput);
  const verdict = verifyQuote(quote, collateral, {
    at,
    ...anchorsOf(values),
    allowSimulation: values["allow-simulation"],
    allowTrailing: values["allow-trailing"],
    waiveRevocation: policy.waiveRevocation,
    collateralGraceMs: policy.collateralGraceDays * DAY_MS,
  });
  const judged = { quote, collateral };
  if (!verdict.verified) return refused(verdict, judged);
  return concluded(judged, verdict.checks, evaluateQuote(policy, verdict), {
    status: verdict.status,
    advisories: verdict.advisoryIds,
    tcbDate: verdict.tcbDate.toISOString(),
    evaluationDataNumber: verdict.evaluationDataNumber,
    validFrom: verdict.validity.notBefore.toISOString(),
    validUntil: verdict.validity.notAfter.toISOString(),
    debug: verdict.debug,
    simulated: verdict.simulated,
    revocationChecked: verdict.revocationChecked,
    fmspc: Buffer.from(verdict.platform.fmspc).toString("hex"),
    body: describeBody(verdict.quote.body),
  });
}

function judgeEpid(values: Values, policy: Policy, at: Date): Outcome {
  const report = loadIasReport(values);
  const quote = readInput(values.quote, LONGEST_QUOTE_BYTES);
  const parsed = parseEpidQuote(quote);
  const wanted = quoteTypeOf("verify-quote", values["quote-type"]);
  if (wanted.toLowerCase() !== `epid${parsed.signType}`) {
    throw new RuneError({
      code: "ATTEST_MISMATCH",
      doing: `read \`${values.quote}\``,
      reason: `the quote is ${parsed.signType}, not of type ${wanted}`,
    });
  }
  requireSpid(values.spid, parsed.basename);
  const verdict = verifyIasReport(report, {
    at,
    ...anchorsOf(values),
    allowSimulation: values["allow-simulation"],
    quote,
    ...(values.nonce === undefined ? {} : { nonce: values.nonce }),
  });
  const judged = { quote, certificates: report.certificates };
  if (!verdict.verified) return refused(verdict, judged);
  return concluded(judged, verdict.checks, evaluateIasReport(policy, verdict), {
    status: verdict.report.status,
    advisories: verdict.report.advisoryIds,
    timestamp: new Date(verdict.report.timestamp).toISOString(),
    debug: verdict.debug,
    simulated: verdict.simulated,
    body: describeReportBody(verdict.report.quoteBody.report),
  });
}

function refused(
  verdict: { readonly checks: readonly Check[]; readonly failure: RuneError },
  judged: Judged,
): Outcome {
  const { checks, failure } = verdict;
  return { checks, policyChecks: [], failure, accepted: false, facts: {}, judged };
}

function concluded(
  judged: Judged,
  checks: readonly Check[],
  policy: PolicyVerdict,
  facts: Description,
): Outcome {
  return {
    judged,
    checks,
    policyChecks: policy.checks,
    failure: undefined,
    accepted: policy.accepted,
    facts,
  };
}

function printText(outcome: Outcome, policyFile: string | undefined): void {
  for (const line of outcomeLines({ ...outcome.facts, ...outcome }, policyFile)) printLine(line);
}

function printJson(outcome: Outcome, at: Date): void {
  const { failure } = outcome;
  const object = {
    accepted: outcome.accepted,
    genuine: failure === undefined,
    at: at.toISOString(),
    ...(failure === undefined ? {} : { code: failure.code, reason: failure.message }),
    ...outcome.facts,
    checks: outcome.checks,
    policy: outcome.policyChecks,
  };
  printLine(JSON.stringify(object, null, 2));
}

function loadPolicy(values: Values): Policy {
  const policy = values.policy === undefined ? DEFAULT_POLICY : policyOfFile(values.policy);
  const text = values["report-data"];
  if (text === undefined) return policy;
  if (!/^([0-9a-fA-F]{2}){1,64}$/.test(text)) {
    throw usage(`\`--report-data\`: expected 1 to 64 bytes in hexadecimal, got \`${text}\``);
  }
  const reportData = new Uint8Array(64);
  reportData.set(Buffer.from(text, "hex"));
  return { ...policy, reportData };
}

function policyOfFile(path: string): Policy {
  return policyOfText(Buffer.from(readInput(path, LONGEST_TEXT_BYTES)).toString("utf8"), path);
}

function loadIasReport(values: Values): IasReport {
  const path = values["ias-report"];
  if (path === undefined) {
    throw usage(
      "an EPID quote needs `--ias-report`: only Intel's service could verify it",
      "that service has closed; reports it once made are still checked, with --at",
    );
  }
  const bytes = readInput(path, LONGEST_TEXT_BYTES);
  const signature = values["ias-signature"];
  const certificates = values["ias-certificates"];
  if (signature === undefined && certificates === undefined) {
    return iasReportOfJson(Buffer.from(bytes).toString("utf8"));
  }
  if (signature === undefined || certificates === undefined) {
    throw usage("`--ias-signature` and `--ias-certificates` are given together");
  }
  const text = (file: string) => Buffer.from(readInput(file, LONGEST_TEXT_BYTES)).toString("utf8");
  return iasReportOf(bytes, text(signature), text(certificates));
}

function requireSpid(spid: string | undefined, basename: Uint8Array): void {
  if (spid === undefined) return;
  if (!/^[0-9a-fA-F]{32}$/.test(spid)) throw usage("`--spid`: expected 32 hexadecimal digits");
  if (sameBytes(Buffer.from(spid, "hex"), basename.subarray(0, 16))) return;
  throw new RuneError({
    code: "ATTEST_MISMATCH",
    doing: "compare quote with SPID",
    reason: `BASENAME starts with ${Buffer.from(basename.subarray(0, 16)).toString("hex")}`,
  });
}

function usage(reason: string, hint?: string): RuneError {
  return new RuneError({
    code: "USAGE",
    doing: "sgx-tools verify-quote",
    reason,
    ...(hint === undefined ? {} : { hint }),
  });
}
