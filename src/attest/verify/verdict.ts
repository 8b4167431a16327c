// SPDX-License-Identifier: Apache-2.0
/** What a verifier of ECDSA quotes is asked and what it answers. */
import type { RuneError } from "../../errors/error.ts";
import type { ComponentStatus, TcbStatus } from "../collateral/status.ts";
import type { Quote } from "../quote/quote.ts";
import type { PlatformIdentity } from "../x509/sgx-extension.ts";
import type { TrustAnchor } from "../x509/trust.ts";
import type { Check } from "./trace.ts";

export type QuoteOptions = {
  /** The time of the check. Evidence of the past is checked at its own time. */
  readonly at: Date;
  /** Roots that are believed; Intel's unless given. */
  readonly anchors?: readonly TrustAnchor[];
  /** Believe evidence of the simulated platform, which proves nothing. False unless given. */
  readonly allowSimulation?: boolean;
  /** Accept a quote that other bytes follow. False unless given. */
  readonly allowTrailing?: boolean;
  /** Do without CRLs: revoked platforms pass. False unless given. */
  readonly waiveRevocation?: boolean;
  /** How long after their nextUpdate TCB info, identity and CRLs are still taken. 0 unless given. */
  readonly collateralGraceMs?: number;
};

/** What is known of a quote whose every signature and date holds. */
export type GenuineQuote = {
  readonly verified: true;
  /** Every check, in order. */
  readonly checks: readonly Check[];
  readonly quote: Quote;
  readonly platform: PlatformIdentity;
  /** Genuine is not good: Revoked and OutOfDate are statuses of genuine quotes. */
  readonly status: TcbStatus;
  readonly parts: {
    readonly platform: TcbStatus;
    readonly qe: ComponentStatus;
    readonly module: ComponentStatus | undefined;
  };
  /** What keeps the platform below the newest level; empty if nothing does. */
  readonly shortfall: readonly string[];
  /** Of all parts, each once, sorted. */
  readonly advisoryIds: readonly string[];
  /** The oldest date of the parts' levels. */
  readonly tcbDate: Date;
  /** The lower of TCB info's and the identity's. */
  readonly evaluationDataNumber: number;
  /** When this verdict would be the same: the dates of all certificates and collateral. */
  readonly validity: { readonly notBefore: Date; readonly notAfter: Date };
  /** Whether its memory can be read by its host. */
  readonly debug: boolean;
  readonly simulated: boolean;
  readonly revocationChecked: boolean;
  readonly at: Date;
};

export type RefusedQuote = {
  readonly verified: false;
  /** The checks that were made; the last one failed. */
  readonly checks: readonly Check[];
  readonly failure: RuneError;
};

export type QuoteVerdict = GenuineQuote | RefusedQuote;
