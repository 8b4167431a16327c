// SPDX-License-Identifier: Apache-2.0
/** Verdicts on fresh evidence, in the words of the tests. */
import type { Json } from "../issue/signed-json.ts";
import type { GenuineQuote, QuoteOptions } from "../verify/verdict.ts";
import { verifyQuote } from "../verify/verify-quote.ts";
import { type Evidence, type EvidenceOptions, makeEvidence } from "./evidence.ts";

export function put(offset: number, value: number): (bytes: Uint8Array) => void {
  return (bytes) => {
    bytes[offset] = value;
  };
}

export function set(member: string, value: unknown): (json: Json) => void {
  return (json) => {
    json[member] = value;
  };
}

export function verdictOn(evidence: Evidence, options: Partial<QuoteOptions> = {}) {
  const { quote, collateral, anchors, at } = evidence;
  return verifyQuote(quote, collateral, { at, anchors, ...options });
}

export function genuine(
  options: EvidenceOptions = {},
  how: Partial<QuoteOptions> = {},
): GenuineQuote {
  const verdict = verdictOn(makeEvidence(options), how);
  if (!verdict.verified) throw verdict.failure;
  return verdict;
}

export function refusal(options: EvidenceOptions, how: Partial<QuoteOptions> = {}): string {
  const verdict = verdictOn(makeEvidence(options), how);
  if (verdict.verified) return "verified";
  if (verdict.checks.at(-1)?.passed !== false) throw new Error("the last check did not fail");
  return `${verdict.failure.code} ${verdict.failure.message}`;
}
