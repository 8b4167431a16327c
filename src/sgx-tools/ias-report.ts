// SPDX-License-Identifier: Apache-2.0
/**
 * `sgx-tools get-ias-report`: an EPID quote's report from a service with the interface that Intel's
 * had. That one has closed; a simulated platform's, or an archive behind a proxy, may still answer.
 */
import { randomBytes } from "node:crypto";
import type { HttpAnswer } from "../attest/fetch/collateral-service.ts";
import { fetchIasReport, IAS_HEADERS, isReadableOnTheWay } from "../attest/fetch/ias-service.ts";
import { type GenuineIasReport, type IasReport, verifyIasReport } from "../attest/ias/verify.ts";
import { parseEpidQuote } from "../attest/quote/epid.ts";
import { escapeControls, RuneError } from "../errors/error.ts";
import type { OptionValues } from "../options/option.ts";
import { sameBytes } from "../sgx/bytes.ts";
import type * as commands from "./aesm-commands.ts";
import { printLine, readInput, warn, writeOutput } from "./files.ts";
import { readSecret } from "./secrets.ts";
import { anchorsOf, parseTime } from "./trust-options.ts";

type Values = OptionValues<typeof commands.getIasReport.options>;

const LONGEST_QUOTE_BYTES = 1 << 18;
const LONGEST_NONCE_CHARACTERS = 32;
const COMMAND = "sgx-tools get-ias-report";

export async function getIasReport(values: Values, clock: () => Date): Promise<void> {
  const url = reportUrl(values);
  const quote = readInput(values.quote, LONGEST_QUOTE_BYTES);
  const { basename } = parseEpidQuote(quote);
  requireSpid(values, basename);
  const nonce = nonceOf(values.nonce);
  const subscriptionKey = subscriptionKeyOf(values);
  const { insecure } = values;
  const { answer, report } = await fetchIasReport({ url, quote, nonce, subscriptionKey, insecure });
  // Not before: the report is made while it is waited for.
  const at = values.at === undefined ? clock() : parseTime("get-ias-report", values.at);
  const genuine = requireGenuine(values, report, { at, quote, nonce });
  writeOutput(values["ias-report"], Buffer.from(`${archived(answer)}\n`));
  printReport(values.json, genuine);
}

function reportUrl(values: Values): string {
  const base = values["ias-url"];
  if (base === undefined || base === "") {
    throw new RuneError({
      code: "USAGE",
      doing: COMMAND,
      reason: "`--ias-url` is needed: Intel's public service has closed",
      hint: "quotes of today are of type ecdsa, for which verify-quote needs no service; reports that Intel's service once made are still judged by verify-quote --ias-report",
    });
  }
  const root = `${base.replace(/\/+$/, "")}${values.product ? "" : "/dev"}`;
  const path = `/attestation/v${values["ias-api"]}/report`;
  if (root.startsWith("unix:/")) return `${root}${path}`;
  const url = URL.parse(`${root}${path}`);
  if (url === null || !["https:", "http:"].includes(url.protocol)) {
    throw usage(`\`--ias-url\`: expected an address with https://, got \`${base}\``);
  }
  if (isReadableOnTheWay(url) && !values.insecure) {
    throw usage("`--ias-url`: http:// to another machine needs --insecure");
  }
  return url.href;
}

function requireSpid(values: Values, basename: Uint8Array): void {
  const spid = readSecret({
    option: "spid",
    value: values.spid,
    file: values["spid-file"],
    variable: "ENCLAVE_RA_EPID_SPID",
  });
  if (spid === undefined) return;
  if (sameBytes(Buffer.from(spid, "hex"), basename.subarray(0, 16))) return;
  throw new RuneError({
    code: "ATTEST_MISMATCH",
    doing: "compare quote with SPID",
    reason: "the quote was made for another SPID",
  });
}

function subscriptionKeyOf(values: Values): string | undefined {
  if (values["subscription-key"] !== undefined) {
    warn("everybody on this machine can see the key; give it with --subscription-key-file");
  }
  return readSecret({
    option: "subscription-key",
    value: values["subscription-key"],
    file: values["subscription-key-file"],
    variable: "ENCLAVE_RA_EPID_SUB_KEY",
  });
}

function nonceOf(text: string | undefined): string {
  if (text === undefined) return randomBytes(LONGEST_NONCE_CHARACTERS / 2).toString("hex");
  if (text.length > 0 && text.length <= LONGEST_NONCE_CHARACTERS) return text;
  throw usage(`\`--nonce\`: expected 1 to 32 characters, got ${text.length}`);
}

function requireGenuine(
  values: Values,
  answered: IasReport,
  expected: { readonly at: Date; readonly quote: Uint8Array; readonly nonce: string },
): GenuineIasReport {
  const verdict = verifyIasReport(answered, {
    ...expected,
    ...anchorsOf(values),
    allowSimulation: values["allow-simulation"],
  });
  if (!verdict.verified) throw verdict.failure;
  const { version } = verdict.report;
  if (version === Number(values["ias-api"])) return verdict;
  throw new RuneError({
    code: "ATTEST_MISMATCH",
    doing: "check IAS report",
    reason: `it is of version ${version ?? "before 3"}, not ${values["ias-api"]} as asked for`,
  });
}

/** The members that the original's callers know; `verify-quote --ias-report` reads them too. */
function archived(answer: HttpAnswer): string {
  const optional = (name: string) => {
    const value = answer.header(name);
    return value === undefined ? {} : { [name]: value };
  };
  return JSON.stringify(
    {
      Body: Buffer.from(answer.body).toString("utf8"),
      StatusCode: String(answer.status),
      ContentLength: String(answer.body.length),
      "Content-Type": answer.header("Content-Type"),
      "X-Iasreport-Signature": answer.header(IAS_HEADERS.signature),
      "X-Iasreport-Signing-Certificate": answer.header(IAS_HEADERS.certificates),
      ...optional("Request-ID"),
      ...optional("Advisory-URL"),
      ...optional("Advisory-IDs"),
    },
    null,
    2,
  );
}

function printReport(json: boolean, { report, debug, simulated }: GenuineIasReport): void {
  const { id, status, advisoryIds } = report;
  const timestamp = new Date(report.timestamp).toISOString();
  if (json) {
    const facts = { id, timestamp, status, advisories: advisoryIds, debug, simulated };
    printLine(JSON.stringify(facts, null, 2));
    return;
  }
  printLine(`report ${escapeControls(id)} of ${timestamp}: ${status}`);
  if (advisoryIds.length > 0)
    printLine(`advisories: ${advisoryIds.map(escapeControls).join(", ")}`);
  if (simulated) printLine("simulation: this report proves nothing");
}

function usage(reason: string): RuneError {
  return new RuneError({ code: "USAGE", doing: COMMAND, reason });
}
