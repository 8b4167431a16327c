// SPDX-License-Identifier: Apache-2.0
/**
 * The verdict on an ECDSA quote, from bytes, a time and trust anchors. `docs/explanation/attestation.md`
 * says what each check stops, and what was decided where public verifiers disagree.
 */
import { RuneError } from "../../errors/error.ts";
import { ATTRIBUTE } from "../../sgx/attributes.ts";
import { sameBytes, toHex } from "../../sgx/bytes.ts";
import type { Collateral } from "../collateral/collateral.ts";
import { type EnclaveIdentity, parseEnclaveIdentity } from "../collateral/qe-identity.ts";
import { requireCurrent } from "../collateral/signed-json.ts";
import { parseTcbInfo, type TcbInfo } from "../collateral/tcb-info.ts";
import { attestError } from "../error.ts";
import type { QuoteBody } from "../quote/quote.ts";
import { TD_UNDER_DEBUG } from "../quote/td-report.ts";
import type { Path } from "../x509/chain.ts";
import type { Crl } from "../x509/crl.ts";
import type { PlatformIdentity } from "../x509/sgx-extension.ts";
import { describeDates, describeLevel, describePath } from "./describe.ts";
import { type Origin, verifyOrigin } from "./origin.ts";
import { matchQeIdentity } from "./quoting-enclave.ts";
import { checkRevocation } from "./revocation.ts";
import { verifyTcbSignature } from "./signed-collateral.ts";
import { convergeStatus, matchTcbLevel, matchTdxModule, shortfall } from "./tcb.ts";
import { startTrace, type Trace } from "./trace.ts";
import type { GenuineQuote, QuoteOptions, QuoteVerdict, RefusedQuote } from "./verdict.ts";

/** Checks a quote. Hostile input makes a refusal, never an exception. */
export function verifyQuote(
  bytes: Uint8Array,
  collateral: Collateral,
  options: QuoteOptions,
): QuoteVerdict {
  const trace = startTrace();
  try {
    return { ...judge(bytes, collateral, options, trace), checks: trace.checks };
  } catch (error) {
    return {
      verified: false,
      checks: trace.checks,
      failure: RuneError.from(error, "verify quote"),
    };
  }
}

/** What is known without collateral: not how good the platform is, nor whether it was revoked. */
export type QuoteOrigin = Origin & {
  readonly verified: true;
  readonly checks: QuoteVerdict["checks"];
};

/**
 * Checks a quote's chain and signatures only. For looking at quotes; a relying party wants
 * {@link verifyQuote}.
 */
export function verifyQuoteOrigin(
  bytes: Uint8Array,
  certificates: readonly Uint8Array[],
  options: QuoteOptions,
): QuoteOrigin | RefusedQuote {
  const trace = startTrace();
  try {
    const origin = verifyOrigin(bytes, certificates, options, trace);
    return { verified: true, ...origin, checks: trace.checks };
  } catch (error) {
    return {
      verified: false,
      checks: trace.checks,
      failure: RuneError.from(error, "verify quote"),
    };
  }
}

function judge(
  bytes: Uint8Array,
  collateral: Collateral,
  options: QuoteOptions,
  trace: Trace,
): Omit<GenuineQuote, "checks"> {
  const at = options.at.getTime();
  const graceMs = options.collateralGraceMs ?? 0;
  const origin = verifyOrigin(bytes, collateral.certificates, options, trace);
  const { quote, store, pck, simulated } = origin;
  const { tee } = quote.body;
  const tcbPath = trace.check(
    "TCB info signature",
    () => verifyTcbSignature(collateral.tcbInfo, "TCB info", store, pck.path.root, at),
    describePath,
  );
  const tcbInfo = trace.check(
    "TCB info",
    () => currentTcbInfo(collateral, tee, at, graceMs),
    describeDates,
  );
  const identityPath = trace.check(
    "QE identity signature",
    () => verifyTcbSignature(collateral.qeIdentity, "QE identity", store, pck.path.root, at),
    describePath,
  );
  const identity = trace.check(
    "QE identity",
    () => currentIdentity(collateral, at, graceMs),
    describeDates,
  );
  const paths = [pck.path, tcbPath, identityPath];
  const crls = checkRevocation(trace, collateral, pck, paths, { ...options, at, graceMs });
  trace.check(
    "platform",
    () => requirePlatform(pck.identity, tcbInfo),
    `FMSPC ${toHex(tcbInfo.fmspc)} and PCEID ${toHex(tcbInfo.pceId)} in PCK certificate and TCB info`,
  );
  const qeLevel = trace.check(
    "QE",
    () => matchQeIdentity(quote.qe, identity, tee),
    (level) =>
      `${identity.id}: MRSIGNER ${toHex(identity.mrSigner)}, ISVSVN ${quote.qe.report.isvSvn} >= ${level.isvSvn}: ${level.status}`,
  );
  const td = quote.body.tee === "tdx" ? quote.body.td : undefined;
  const lacking = lackingOf(tcbInfo, pck.identity, td?.teeTcbSvn);
  const levels = trace.check(
    "TCB level",
    () => matchTcbLevel(tcbInfo, pck.identity.tcb, td?.teeTcbSvn),
    ({ chosen }) => describeLevel(tcbInfo, chosen, lacking),
  );
  const moduleLevel =
    td === undefined
      ? undefined
      : trace.check(
          "TDX module",
          () => matchTdxModule(tcbInfo, td),
          (level) =>
            `MRSIGNERSEAM ${toHex(td.mrSignerSeam)}, TEE TCB SVN ${toHex(td.teeTcbSvn)}: ${level?.status ?? "rated with the platform"}`,
        );
  const parts = { platform: levels.chosen.status, qe: qeLevel.status, module: moduleLevel?.status };
  const status = trace.check(
    "TCB status",
    () => convergeStatus({ levels, qe: qeLevel.status, module: moduleLevel?.status }, tcbInfo, td),
    (converged) =>
      `platform ${parts.platform}, QE ${parts.qe}${parts.module === undefined ? "" : `, TDX module ${parts.module}`}: ${converged}`,
  );
  const rated = [levels.chosen, qeLevel, ...(moduleLevel === undefined ? [] : [moduleLevel])];
  return {
    verified: true,
    quote,
    platform: pck.identity,
    status,
    parts,
    shortfall: lacking,
    advisoryIds: [...new Set(rated.flatMap(({ advisoryIds }) => advisoryIds))].sort(),
    tcbDate: new Date(Math.min(...rated.map(({ tcbDate }) => tcbDate))),
    evaluationDataNumber: Math.min(tcbInfo.evaluationDataNumber, identity.evaluationDataNumber),
    validity: validityOf(paths, [tcbInfo, identity], crls),
    debug: isDebug(quote.body),
    simulated,
    revocationChecked: crls.length > 0,
    at: options.at,
  };
}

/** Whether the enclave or domain lets its host read it. */
export function isDebug(body: QuoteBody): boolean {
  return body.tee === "sgx"
    ? (body.report.attributes.flags & ATTRIBUTE.DEBUG) !== 0n
    : (body.td.tdAttributes & TD_UNDER_DEBUG) !== 0n;
}

function currentTcbInfo(
  collateral: Collateral,
  tee: "sgx" | "tdx",
  at: number,
  graceMs: number,
): TcbInfo {
  const tcbInfo = parseTcbInfo(collateral.tcbInfo.text);
  requireCurrent(tcbInfo, at, graceMs, "check TCB info");
  if (tcbInfo.id.toLowerCase() !== tee) {
    throw attestError(
      "ATTEST_MISMATCH",
      "check TCB info",
      `it is of ${tcbInfo.id}, the quote of ${tee.toUpperCase()}`,
    );
  }
  return tcbInfo;
}

function currentIdentity(collateral: Collateral, at: number, graceMs: number): EnclaveIdentity {
  const identity = parseEnclaveIdentity(collateral.qeIdentity.text);
  requireCurrent(identity, at, graceMs, "check QE identity");
  return identity;
}

function requirePlatform(identity: PlatformIdentity, tcbInfo: TcbInfo): void {
  for (const [name, own, wanted] of [
    ["FMSPC", identity.fmspc, tcbInfo.fmspc],
    ["PCEID", identity.pceId, tcbInfo.pceId],
  ] as const) {
    if (sameBytes(own, wanted)) continue;
    throw attestError(
      "ATTEST_MISMATCH",
      "compare PCK with TCB info",
      `${name} is ${toHex(own)}, TCB info is for ${toHex(wanted)}`,
    );
  }
}

function validityOf(
  paths: readonly Path[],
  pieces: readonly { readonly issueDate: number; readonly nextUpdate: number }[],
  crls: readonly Crl[],
): { notBefore: Date; notAfter: Date } {
  const spans = [
    ...paths.flatMap(({ certificates }) =>
      certificates.map(({ notBefore, notAfter }) => [notBefore, notAfter] as const),
    ),
    ...pieces.map(({ issueDate, nextUpdate }) => [issueDate, nextUpdate] as const),
    ...crls.map(({ thisUpdate, nextUpdate }) => [thisUpdate, nextUpdate] as const),
  ];
  return {
    notBefore: new Date(Math.max(...spans.map(([from]) => from))),
    notAfter: new Date(Math.min(...spans.map(([, to]) => to))),
  };
}

function lackingOf(
  tcbInfo: TcbInfo,
  platform: PlatformIdentity,
  teeTcbSvn: Uint8Array | undefined,
): string[] {
  const [newest] = tcbInfo.levels;
  return newest === undefined ? [] : shortfall(newest, platform.tcb, teeTcbSvn);
}
