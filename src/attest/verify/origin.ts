// SPDX-License-Identifier: Apache-2.0
/**
 * Where a quote comes from: a trusted root certified a platform, that platform its quoting enclave,
 * and that enclave the key which signed. Whether the platform is any good is another question.
 */
import { attestError } from "../error.ts";
import { parseQuote, type Quote } from "../quote/quote.ts";
import { type CertificateStore, linkCertificates } from "../x509/chain.ts";
import { p256Key, requireSignature } from "../x509/keys.ts";
import { INTEL_SGX_ROOT } from "../x509/trust.ts";
import { describePath, describeQuote } from "./describe.ts";
import { collectCertificates, type Pck, requireNamedPlatform, verifyPck } from "./pck.ts";
import { verifyAttestationKeyBinding, verifyQeReportSignature } from "./quoting-enclave.ts";
import { checkSimulation } from "./simulation.ts";
import type { Trace } from "./trace.ts";
import type { QuoteOptions } from "./verdict.ts";

export type Origin = {
  readonly quote: Quote;
  readonly store: CertificateStore;
  readonly pck: Pck;
  readonly simulated: boolean;
};

/** Checks everything that needs certificates only. `given` are certificates beside the quote's. */
export function verifyOrigin(
  bytes: Uint8Array,
  given: readonly Uint8Array[],
  options: QuoteOptions,
  trace: Trace,
): Origin {
  const at = options.at.getTime();
  if (Number.isNaN(at)) {
    throw attestError("ATTEST_TIME", "verify quote", "the time of the check is no time");
  }
  const quote = trace.check("quote", () => parseQuote(bytes, options), describeQuote);
  const { certification } = quote.qe;
  const { pck: leaf, all } = trace.check(
    "certificates",
    () => collectCertificates(certification, given),
    (found) => `${found.all.length}, certification data type ${certification.type}`,
  );
  const store = trace.check(
    "issuers",
    () => linkCertificates(all, options.anchors ?? [INTEL_SGX_ROOT], at),
    (linked) =>
      `${linked.all.length} different certificates, each signed by another or a trusted root`,
  );
  const pck = trace.check(
    "PCK chain",
    () => verifyPck(leaf, store, at),
    ({ path }) => describePath(path),
  );
  const simulated = trace.check(
    "simulation",
    () => checkSimulation(store.all, options.allowSimulation ?? false),
    (found) =>
      found ? "simulated platform, which was allowed" : "no certificate names a simulation",
  );
  trace.check(
    "named platform",
    () => requireNamedPlatform(certification, pck.identity),
    certification.type > 3 ? "the quote brings its PCK certificate" : "PCEID, PCESVN and PPID fit",
  );
  trace.check(
    "QE report",
    () => verifyQeReportSignature(quote.qe, leaf.publicKey),
    "signature by the PCK over the QE's 384 bytes",
  );
  trace.check(
    "attestation key",
    () => verifyAttestationKeyBinding(quote.qe, quote.attestationKey),
    (hash) => `SHA-256 of key and data = REPORTDATA of the QE = ${hash}`,
  );
  trace.check(
    "quote signature",
    () => requireQuoteSignature(quote),
    `by the attestation key over the quote's first ${quote.signed.length} bytes`,
  );
  return { quote, store, pck, simulated };
}

function requireQuoteSignature({ attestationKey, signed, signature }: Quote): void {
  requireSignature(
    p256Key(attestationKey),
    signed,
    { kind: "P-256", value: signature },
    "check quote",
    "the attestation key",
  );
}
