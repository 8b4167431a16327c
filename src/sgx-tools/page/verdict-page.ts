// SPDX-License-Identifier: Apache-2.0
/** `verify-quote --html`: the verdict for a person, with everything it rests on. */
import type { Collateral } from "../../attest/collateral/collateral.ts";
import { parseTcbInfo } from "../../attest/collateral/tcb-info.ts";
import { parseQuote, type Quote } from "../../attest/quote/quote.ts";
import { matchTcbLevel } from "../../attest/verify/tcb.ts";
import type { Check } from "../../attest/verify/trace.ts";
import {
  type Certificate,
  parseCertificate,
  parseCertificates,
} from "../../attest/x509/certificate.ts";
import { isoTime } from "../../attest/x509/chain.ts";
import { isPck, readPlatformIdentity } from "../../attest/x509/sgx-extension.ts";
import { describeError, type RuneError } from "../../errors/error.ts";
import { toHex } from "../../sgx/bytes.ts";
import { type Description, flatten } from "../describe.ts";
import { drawChains, type LinkState, type Node } from "./chain.ts";
import { type Fragment, html } from "./html.ts";
import { levelTable, statusTone } from "./levels.ts";
import { type Banner, factTable, renderPage, section } from "./page.ts";

export type JudgedQuote = {
  readonly file: string;
  readonly at: Date;
  readonly policyFile: string | undefined;
  readonly checks: readonly Check[];
  readonly policyChecks: readonly Check[];
  readonly failure: RuneError | undefined;
  readonly accepted: boolean;
  readonly facts: Description;
  /** ECDSA: what was judged. An EPID quote has its report's certificates. */
  readonly quote: Uint8Array;
  readonly collateral?: Collateral;
  readonly certificates?: readonly Uint8Array[];
};

export function verdictPage(judged: JudgedQuote): string {
  const { facts, failure } = judged;
  return renderPage({
    title: `${judged.accepted ? "Accepted" : "Refused"}: ${judged.file}`,
    banner: bannerOf(judged),
    sections: [
      section("Checks", checkTable(judged.checks), ...policyPart(judged)),
      section("Chain of trust", ...chainPart(judged)),
      ...levelPart(judged),
      ...(failure === undefined ? [section("What is known", factTable(flatten(facts, "")))] : []),
    ],
    footer: `Judged as of ${judged.at.toISOString()} by sgx-tools verify-quote. This page is a report, not evidence: whoever relies on the quote runs the command on it.`,
  });
}

function bannerOf({ accepted, failure, facts, file, at, policyChecks }: JudgedQuote): Banner {
  const when = `${file}, as of ${at.toISOString()}`;
  const simulated = facts["simulated"] === true;
  const warning = simulated ? ["Simulated platform: this evidence proves nothing."] : [];
  if (failure !== undefined) {
    const reason = describeError(failure).split("\n");
    return { tone: "bad", mark: "✗", title: "Refused: not genuine", lines: [...reason, when] };
  }
  const status = String(facts["status"]);
  if (!accepted) {
    const failed = policyChecks.filter(({ passed }) => !passed);
    const lines = failed.map(({ name, compared }) => `${name}: ${compared}`);
    return {
      tone: "bad",
      mark: "✗",
      title: "Refused: genuine, but not what the policy accepts",
      lines: [...lines, ...warning, when],
    };
  }
  const tone = simulated ? "warning" : statusTone(status);
  const mark = tone === "good" ? "✓" : "!";
  return { tone, mark, title: `Accepted: ${status}`, lines: [...warning, when] };
}

function checkTable(checks: readonly Check[]): Fragment {
  return html`<table class="checks">${checks.map(
    ({ name, passed, compared }) =>
      html`<tr><td><span class="pill ${passed ? "good" : "bad"}">${passed ? "✓ ok" : "✗ failed"}</span></td><td>${name}</td><td>${compared}</td></tr>`,
  )}</table>`;
}

function policyPart({ policyChecks, policyFile, failure }: JudgedQuote): Fragment[] {
  if (failure !== undefined) return [];
  return [html`<h3>Policy: ${policyFile ?? "default, any enclave"}</h3>`, checkTable(policyChecks)];
}

function chainPart(judged: JudgedQuote): Fragment[] {
  const parsed = attempt(() => parseQuote(judged.quote, { allowTrailing: true }));
  const quote = judged.collateral === undefined ? undefined : parsed;
  const certificates = certificatesOf(judged, quote);
  const state = stateOf(judged.checks);
  const columns =
    judged.collateral === undefined
      ? [reportChain(certificates, state)]
      : [quoteChain(certificates, quote, state), collateralChain(certificates, state)];
  return [
    html`<p class="note">From the root down. A dashed link was not looked at: the verdict was reached before.</p>`,
    drawChains(columns),
  ];
}

type StateOf = (name: string) => LinkState;

function stateOf(checks: readonly Check[]): StateOf {
  return (name) => {
    const found = checks.find((check) => check.name === name);
    if (found === undefined) return "unknown";
    return found.passed ? "ok" : "failed";
  };
}

/** Everything that can be read, in no order; what cannot has made the verdict what it is. */
function certificatesOf(judged: JudgedQuote, quote: Quote | undefined): Certificate[] {
  const certification = quote?.qe.certification;
  const own =
    certification !== undefined && "pem" in certification
      ? attempt(() => parseCertificates(certification.pem, "quote's chain"))
      : undefined;
  const given = judged.collateral?.certificates ?? judged.certificates ?? [];
  const others = given.map((der) => attempt(() => parseCertificate(der)));
  return [...(own ?? []), ...others].filter((one) => one !== undefined);
}

/** From the leaf to whatever issued it, by name; the checks say whether that is true. */
function pathOf(leaf: Certificate | undefined, all: readonly Certificate[]): Certificate[] {
  const path: Certificate[] = [];
  for (let next = leaf; next !== undefined && !path.includes(next) && path.length < 8; ) {
    path.unshift(next);
    const { issuer, subject }: Certificate = next;
    next = issuer.id === subject.id ? undefined : all.find((one) => one.subject.id === issuer.id);
  }
  return path;
}

function certificateNodes(path: readonly Certificate[], state: LinkState): Node[] {
  return path.map((certificate, index) => ({
    title: certificate.subject.commonName || certificate.subject.text,
    detail: `${isoTime(certificate.notBefore).slice(0, 10)} to ${isoTime(certificate.notAfter).slice(0, 10)}, serial ${certificate.serial}`,
    ...(index === 0 ? {} : { link: { label: "certifies", state } }),
  }));
}

function quoteChain(all: readonly Certificate[], quote: Quote | undefined, state: StateOf): Node[] {
  const nodes = certificateNodes(pathOf(all.find(isPck), all), state("PCK chain"));
  const link = (label: string, check: string) => ({ link: { label, state: state(check) } });
  if (quote === undefined) {
    return [...nodes, { title: "The quote", detail: "cannot be read", ...link("signs", "quote") }];
  }
  const { report } = quote.qe;
  return [
    ...nodes,
    {
      title: "Quoting enclave",
      detail: `MRSIGNER ${toHex(report.mrsigner)}, ISVSVN ${report.isvSvn}`,
      ...link("signs its report", "QE report"),
    },
    {
      title: "Attestation key",
      detail: toHex(quote.attestationKey),
      ...link("names the key in REPORTDATA", "attestation key"),
    },
    { title: "The quote", detail: bodyLine(quote), ...link("signs", "quote signature") },
  ];
}

function bodyLine({ body }: Quote): string {
  return body.tee === "sgx"
    ? `MRENCLAVE ${toHex(body.report.mrenclave)}`
    : `MRTD ${toHex(body.td.mrTd)}`;
}

function collateralChain(all: readonly Certificate[], state: StateOf): Node[] {
  const signer = all.find(
    (one) => !one.authority && !isPck(one) && one.subject.id !== one.issuer.id,
  );
  const link = (label: string, check: string) => ({ link: { label, state: state(check) } });
  return [
    ...certificateNodes(pathOf(signer, all), state("TCB info signature")),
    {
      title: "TCB info",
      detail: "what versions of the platform are called",
      ...link("signs", "TCB info signature"),
    },
    {
      title: "QE identity",
      detail: "which quoting enclaves are Intel's",
      ...link("the same signer signs", "QE identity signature"),
    },
  ];
}

function reportChain(all: readonly Certificate[], state: StateOf): Node[] {
  const [leaf] = all;
  const link = (label: string, check: string) => ({ link: { label, state: state(check) } });
  return [
    ...certificateNodes(pathOf(leaf, all), state("chain")),
    {
      title: "Report of the attestation service",
      detail: "what it found of the quote",
      ...link("signs", "signature"),
    },
    { title: "The quote", detail: "EPID", ...link("is about", "quote") },
  ];
}

function levelPart(judged: JudgedQuote): Fragment[] {
  const { collateral } = judged;
  if (collateral === undefined) return [];
  const info = attempt(() => parseTcbInfo(collateral.tcbInfo.text));
  if (info === undefined) return [];
  const quote = attempt(() => parseQuote(judged.quote, { allowTrailing: true }));
  const pck = certificatesOf(judged, quote).find(isPck);
  const platform = pck === undefined ? undefined : attempt(() => readPlatformIdentity(pck).tcb);
  const teeTcbSvn = quote?.body.tee === "tdx" ? quote.body.td.teeTcbSvn : undefined;
  const level =
    platform === undefined
      ? undefined
      : attempt(() => matchTcbLevel(info, platform, teeTcbSvn).chosen);
  const signed = judged.checks.some(({ name, passed }) => name === "TCB info" && passed);
  return [
    section(
      "TCB levels",
      html`<p class="note">${signed ? "" : "Not checked: the verdict was reached before. "}FMSPC ${toHex(info.fmspc)}, evaluation data number ${info.evaluationDataNumber}, ${isoTime(info.issueDate)} to ${isoTime(info.nextUpdate)}. A platform is at the first level that it reaches; what it does not reach stands out.</p>`,
      levelTable(info, platform === undefined ? undefined : { platform, teeTcbSvn, level }),
    ),
  ];
}

/** Refused evidence is shown as far as it can be read. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
