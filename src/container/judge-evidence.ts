// SPDX-License-Identifier: Apache-2.0
/** The verdict on a container's quote, on this machine. */
import { readFileSync, statSync } from "node:fs";
import { fetchIasReport, isReadableOnTheWay } from "../attest/fetch/ias-service.ts";
import { loadCollateral } from "../attest/fetch/load-collateral.ts";
import { verifyIasReport } from "../attest/ias/verify.ts";
import { evaluateIasReport, evaluateQuote } from "../attest/policy/evaluate.ts";
import { DEFAULT_POLICY, type Policy } from "../attest/policy/policy.ts";
import { policyOfText } from "../attest/policy/policy-text.ts";
import type { JudgedEvidence } from "../attest/policy/verdict-text.ts";
import { verifyQuote } from "../attest/verify/verify-quote.ts";
import { parseCertificate, parseCertificates } from "../attest/x509/certificate.ts";
import { type TrustAnchor, trustAnchorOf } from "../attest/x509/trust.ts";
import { RuneError } from "../errors/error.ts";
import type { EvidenceServices } from "./evidence-services.ts";

export type Judging = {
  readonly allowSimulation: boolean;
  /** Path; undefined: the node's, or any enclave on a platform that is up to date. */
  readonly policy?: string;
  /** 64 bytes that the report must hold, whatever the policy says. */
  readonly expectedData?: Uint8Array;
  readonly collateral?: string;
  readonly iasUrl?: string;
  /** Paths of certificates that replace the roots. */
  readonly trustRoots: readonly string[];
};

/** What is printed and what follows. */
export type Judged = JudgedEvidence & { readonly policyFile: string | undefined };

const LONGEST_FILE_BYTES = 16 << 20;
const DAY_MS = 86_400_000;
const IAS_API = 4;

export async function judgeEcdsa(
  services: EvidenceServices,
  quote: Uint8Array,
  judging: Judging,
): Promise<Judged> {
  const { policy, policyFile } = policyFor(services, judging);
  const source = judging.collateral ?? services.collateral;
  const usual = { api: "4", update: undefined, insecure: false } as const;
  const collateral = await loadCollateral(source, quote, usual, readLimited);
  const verdict = verifyQuote(quote, collateral, {
    // Behind the fetching: collateral may have been made for it.
    at: new Date(),
    ...(await anchorsFor(services, judging, "sgx")),
    allowSimulation: judging.allowSimulation,
    waiveRevocation: policy.waiveRevocation,
    collateralGraceMs: policy.collateralGraceDays * DAY_MS,
  });
  if (!verdict.verified) return refused(verdict, policyFile);
  const { status, advisoryIds: advisories, simulated } = verdict;
  const { accepted, checks } = evaluateQuote(policy, verdict);
  return {
    ...{ checks: verdict.checks, policyChecks: checks, failure: undefined, accepted },
    ...{ status, advisories, simulated, policyFile },
  };
}

export async function judgeEpid(
  services: EvidenceServices,
  quote: Uint8Array,
  judging: Judging & { readonly subscriptionKey?: string; readonly nonce: string },
): Promise<Judged> {
  const { policy, policyFile } = policyFor(services, judging);
  const base = judging.iasUrl ?? services.iasUrl;
  if (base === undefined) throw noService();
  const { nonce, subscriptionKey } = judging;
  const url = `${base.replace(/\/+$/, "")}/attestation/v${IAS_API}/report`;
  requireSafe(url);
  const asked = { url, quote, nonce, subscriptionKey, insecure: false };
  const { report } = await fetchIasReport(asked);
  const verdict = verifyIasReport(report, {
    at: new Date(),
    ...(await anchorsFor(services, judging, "ias")),
    allowSimulation: judging.allowSimulation,
    quote,
    nonce,
  });
  if (!verdict.verified) return refused(verdict, policyFile);
  const { status, advisoryIds: advisories } = verdict.report;
  const { accepted, checks } = evaluateIasReport(policy, verdict);
  return {
    ...{ checks: verdict.checks, policyChecks: checks, failure: undefined, accepted },
    ...{ status, advisories, simulated: verdict.simulated, policyFile },
  };
}

function refused(
  { checks, failure }: Pick<Judged, "checks"> & { readonly failure: RuneError },
  policyFile: string | undefined,
): Judged {
  return { checks, policyChecks: [], failure, accepted: false, policyFile };
}

function policyFor({ attestation }: EvidenceServices, judging: Judging) {
  const policyFile = judging.policy ?? attestation.policy;
  const policy: Policy =
    policyFile === undefined
      ? DEFAULT_POLICY
      : policyOfText(Buffer.from(readLimited(policyFile, 1 << 20)).toString("utf8"), policyFile);
  const { expectedData } = judging;
  return {
    policy: expectedData === undefined ? policy : { ...policy, reportData: expectedData },
    policyFile,
  };
}

async function anchorsFor(
  services: EvidenceServices,
  { trustRoots }: Judging,
  kind: "sgx" | "ias",
): Promise<{ readonly anchors?: readonly TrustAnchor[] }> {
  const anchors =
    trustRoots.length === 0 ? await services.anchors(kind) : trustRoots.flatMap(rootsOf);
  return anchors === undefined ? {} : { anchors };
}

function rootsOf(path: string): TrustAnchor[] {
  const bytes = readLimited(path, 1 << 20);
  const certificates =
    bytes[0] === 0x30
      ? [parseCertificate(bytes, path)]
      : parseCertificates(Buffer.from(bytes).toString("latin1"), path);
  return certificates.map(trustAnchorOf);
}

function readLimited(path: string, maxBytes = LONGEST_FILE_BYTES): Uint8Array {
  const doing = `read \`${path}\``;
  try {
    if (statSync(path).size <= maxBytes) return new Uint8Array(readFileSync(path));
  } catch (error) {
    throw RuneError.from(error, doing);
  }
  throw new RuneError({ code: "USAGE", doing, reason: `it has more than ${maxBytes} bytes` });
}

function requireSafe(url: string): void {
  if (url.startsWith("unix:/")) return;
  const parsed = URL.parse(url);
  const known = parsed !== null && ["https:", "http:"].includes(parsed.protocol);
  if (known && !isReadableOnTheWay(parsed)) return;
  const reason = known ? "http:// to another machine would show the key" : "it is no address";
  throw new RuneError({ code: "USAGE", doing: `ask \`${url}\``, reason });
}

function noService(): RuneError {
  return new RuneError({
    code: "USAGE",
    doing: "attest by EPID",
    reason: "no service judges EPID quotes: Intel's public one has closed",
    hint: "--ias-url names another; quotes of type ecdsa need none",
  });
}
