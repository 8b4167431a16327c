// SPDX-License-Identifier: Apache-2.0
/** What Intel publishes about a platform, as the verifier takes it. */
import { attestError } from "../error.ts";
import { pemBlocks } from "../x509/pem.ts";
import { type SignedJson, splitSignedJson } from "./signed-json.ts";

/**
 * Everything beside the quote. Certificates are one heap in any order: their names say who they
 * are. A chain that the quote brings itself need not be here.
 */
export type Collateral = {
  readonly tcbInfo: SignedJson;
  readonly qeIdentity: SignedJson;
  /** DER. Without CRLs the verdict is refused unless the caller waives revocation. */
  readonly rootCrl?: Uint8Array;
  readonly pckCrl?: Uint8Array;
  /** DER. */
  readonly certificates: readonly Uint8Array[];
};

/** The answers of Intel's service as texts, the way it gives them out. */
export type CollateralTexts = {
  /** `{"tcbInfo":{...},"signature":"..."}` */
  readonly tcbInfo: string;
  /** `{"enclaveIdentity":{...},"signature":"..."}` */
  readonly qeIdentity: string;
  /** DER. */
  readonly rootCrl?: Uint8Array;
  readonly pckCrl?: Uint8Array;
  /** PEM of issuer chains and, for quotes that do not bring it, the PCK's own. */
  readonly chains: readonly string[];
};

/** Takes answers apart. Nothing is believed yet. */
export function collateralFromTexts(texts: CollateralTexts): Collateral {
  return {
    tcbInfo: splitSignedJson(texts.tcbInfo, "tcbInfo"),
    qeIdentity: splitSignedJson(texts.qeIdentity, "enclaveIdentity"),
    ...(texts.rootCrl === undefined ? {} : { rootCrl: texts.rootCrl }),
    ...(texts.pckCrl === undefined ? {} : { pckCrl: texts.pckCrl }),
    certificates: texts.chains.flatMap((pem) =>
      pemBlocks(pem, "CERTIFICATE", "issuer chain", MOST_IN_CHAIN),
    ),
  };
}

const MOST_IN_CHAIN = 8;

export function missing(what: string, hint?: string) {
  return attestError(
    "ATTEST_COLLATERAL",
    "verify quote",
    `${what} is needed and was not given`,
    hint,
  );
}
