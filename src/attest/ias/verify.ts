// SPDX-License-Identifier: Apache-2.0
/** The verdict on an IAS report. */
import { RuneError } from "../../errors/error.ts";
import { ATTRIBUTE } from "../../sgx/attributes.ts";
import { sameBytes } from "../../sgx/bytes.ts";
import { attestError } from "../error.ts";
import { EPID_BODY_BYTES } from "../quote/epid.ts";
import { describePath } from "../verify/describe.ts";
import { requireRole } from "../verify/pck.ts";
import { checkSimulation } from "../verify/simulation.ts";
import { type Check, startTrace, type Trace } from "../verify/trace.ts";
import { KEY_USAGE, parseCertificate } from "../x509/certificate.ts";
import { checkPath, isoTime, linkCertificates, type Path } from "../x509/chain.ts";
import { requireSignature } from "../x509/keys.ts";
import { INTEL_IAS_ROOT, type TrustAnchor } from "../x509/trust.ts";
import { type IasReportBody, parseIasReportBody } from "./report.ts";

export type IasReport = {
  /** The exact bytes that were signed. */
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
  /** DER, the signing certificate and perhaps its authority's, in any order. */
  readonly certificates: readonly Uint8Array[];
};

export type IasOptions = {
  /** The time of the check. The signing certificate ran out on 2026-11-20. */
  readonly at: Date;
  /** Intel's unless given. */
  readonly anchors?: readonly TrustAnchor[];
  readonly allowSimulation?: boolean;
  /** The quote, or its first 432 bytes, that the report must be about. */
  readonly quote?: Uint8Array;
  /** The nonce that was sent along, which proves that the report is not an old one. */
  readonly nonce?: string;
};

export type GenuineIasReport = {
  readonly verified: true;
  readonly checks: readonly Check[];
  /** Genuine is not good: `report.status` says what Intel found. */
  readonly report: IasReportBody;
  readonly debug: boolean;
  readonly simulated: boolean;
  readonly at: Date;
};

export type IasVerdict =
  | GenuineIasReport
  | { readonly verified: false; readonly checks: readonly Check[]; readonly failure: RuneError };

/** Checks a report. Hostile input makes a refusal, never an exception. */
export function verifyIasReport(report: IasReport, options: IasOptions): IasVerdict {
  const trace = startTrace();
  try {
    return { ...judge(report, options, trace), checks: trace.checks };
  } catch (error) {
    const failure = RuneError.from(error, "verify IAS report");
    return { verified: false, checks: trace.checks, failure };
  }
}

const ROLE = "SGX Attestation Report Signing";

function judge(
  { body, signature, certificates }: IasReport,
  options: IasOptions,
  trace: Trace,
): Omit<GenuineIasReport, "checks"> {
  const at = options.at.getTime();
  if (Number.isNaN(at)) {
    throw attestError("ATTEST_TIME", "verify IAS report", "the time of the check is no time");
  }
  const path = trace.check("chain", () => signerPath(certificates, options, at), describePath);
  const simulated = trace.check(
    "simulation",
    () => checkSimulation(path.certificates, options.allowSimulation ?? false),
    (found) =>
      found ? "simulated service, which was allowed" : "no certificate names a simulation",
  );
  trace.check(
    "signature",
    () => {
      const [{ publicKey }] = path.certificates;
      const block = { kind: "RSA", value: signature } as const;
      requireSignature(publicKey, body, block, "check IAS report", "the service");
    },
    `by the service over all ${body.length} bytes`,
  );
  const report = trace.check(
    "report",
    () => parseIasReportBody(new TextDecoder("utf-8", { fatal: true }).decode(body)),
    ({ id, version, status }) => `${id}, version ${version ?? "before 3"}, ${status}`,
  );
  trace.check(
    "timestamp",
    () => requirePast(report, at),
    `${isoTime(report.timestamp)}, not after ${isoTime(at)}`,
  );
  const { quote, nonce } = options;
  if (quote !== undefined) {
    trace.check("quote", () => requireQuote(report, quote), "the report's 432 bytes = the quote's");
  }
  if (nonce !== undefined) trace.check("nonce", () => requireNonce(report, nonce), nonce);
  const { flags } = report.quoteBody.report.attributes;
  return {
    verified: true,
    report,
    debug: (flags & ATTRIBUTE.DEBUG) !== 0n,
    simulated,
    at: options.at,
  };
}

function signerPath(ders: readonly Uint8Array[], options: IasOptions, at: number): Path {
  const certificates = ders.map((der) => parseCertificate(der, "IAS certificate"));
  const store = linkCertificates(certificates, options.anchors ?? [INTEL_IAS_ROOT], at);
  const [signer, second] = store.all.filter(({ authority }) => !authority);
  if (signer === undefined || second !== undefined) {
    throw attestError(
      "ATTEST_CERTIFICATE",
      "verify IAS report",
      `${signer === undefined ? "no" : "more than one"} signing certificate`,
    );
  }
  const path = store.pathOf(signer);
  checkPath(path, at);
  requireRole(signer, ROLE, KEY_USAGE.digitalSignature);
  return path;
}

function requirePast(report: IasReportBody, at: number): void {
  if (report.timestamp <= at) return;
  throw attestError(
    "ATTEST_TIME",
    "check IAS report",
    `was made at ${isoTime(report.timestamp)}, after the time of the check, ${isoTime(at)}`,
  );
}

function requireQuote(report: IasReportBody, quote: Uint8Array): void {
  if (sameBytes(quote.subarray(0, EPID_BODY_BYTES), report.quoteBodyBytes)) return;
  throw attestError(
    "ATTEST_MISMATCH",
    "compare IAS report with quote",
    "it is about another quote",
  );
}

function requireNonce(report: IasReportBody, nonce: string): void {
  const bytes = (text: string) => new TextEncoder().encode(text);
  if (report.nonce !== undefined && sameBytes(bytes(report.nonce), bytes(nonce))) return;
  const got = report.nonce === undefined ? "none" : `"${report.nonce}"`;
  throw attestError("ATTEST_MISMATCH", "check IAS report", `its nonce is ${got}, not the one sent`);
}
