// SPDX-License-Identifier: Apache-2.0
/**
 * Phala's dcap-qvl as a second opinion on the same evidence: where the two agree, where they do not
 * and why. docs/explanation/attestation.md has the decisions. Development only: it is no dependency.
 */
import { describe, expect, test } from "bun:test";
import { verify as theirs } from "@phala/dcap-qvl";
import { collateralFromJson } from "../../src/attest/collateral/archive.ts";
import type { Collateral } from "../../src/attest/collateral/collateral.ts";
import { noVectors, vector, vectorJson } from "../../src/attest/testing/vectors.ts";
import { verifyQuote } from "../../src/attest/verify/verify-quote.ts";

const why = noVectors === undefined ? "" : ` (skipped: ${noVectors})`;

/** The form that library takes: strings of JSON and PEM, the rest as bytes. */
function theirCollateral(set: string, changes: Record<string, unknown> = {}) {
  const json = vectorJson(set, "collateral.json");
  const bytes = (name: string) => Buffer.from(String(json[name]), "hex");
  return {
    pck_crl_issuer_chain: String(json["pck_crl_issuer_chain"]),
    root_ca_crl: bytes("root_ca_crl"),
    pck_crl: bytes("pck_crl"),
    tcb_info_issuer_chain: String(json["tcb_info_issuer_chain"]),
    tcb_info: String(json["tcb_info"]),
    tcb_info_signature: bytes("tcb_info_signature"),
    qe_identity_issuer_chain: String(json["qe_identity_issuer_chain"]),
    qe_identity: String(json["qe_identity"]),
    qe_identity_signature: bytes("qe_identity_signature"),
    ...changes,
  };
}

function ours(
  set: string,
  at: Date,
  change: (collateral: Collateral) => Collateral = (one) => one,
) {
  const collateral = change(collateralFromJson(vector(set, "collateral.json")));
  const quote = vector(set, "quote.bin");
  const verdict = verifyQuote(quote, collateral, { at, allowTrailing: true });
  return verdict.verified
    ? { status: verdict.status, advisories: [...verdict.advisoryIds] }
    : { code: verdict.failure.code };
}

/** Their verdict in our words; undefined for a refusal. */
function second(set: string, at: Date, changes: Record<string, unknown> = {}) {
  try {
    const report = theirs(
      vector(set, "quote.bin"),
      // Their type wants a class that their own samples do not use.
      theirCollateral(set, changes) as unknown as Parameters<typeof theirs>[1],
      Math.floor(at.getTime() / 1000),
    );
    return { status: report.status, advisories: [...report.advisory_ids].sort() };
  } catch {
    return undefined;
  }
}

describe.skipIf(noVectors !== undefined)(`dcap-qvl 0.3.9${why}`, () => {
  const sets = [
    ["dcap-sgx-v3-phala-confsw", "ConfigurationAndSWHardeningNeeded"],
    ["dcap-tdx-v4-phala-uptodate", "UpToDate"],
  ] as const;
  for (const [set, status] of sets) {
    const json = () => JSON.parse(String(vectorJson(set, "collateral.json")["tcb_info"]));
    const inside = () => new Date(Date.parse(json().issueDate) + 3_600_000);

    test(`${set}: the same status and advisories`, () => {
      expect(ours(set, inside()).status).toBe(status);
      expect(second(set, inside())).toEqual(ours(set, inside()) as ReturnType<typeof second>);
    });
    test(`${set}: both refuse expired collateral`, () => {
      const late = new Date(inside().getTime() + 90 * 86_400_000);
      expect(ours(set, late)).toEqual({ code: "ATTEST_TIME" });
      expect(second(set, late)).toBeUndefined();
    });
    test(`${set}: both refuse a changed TCB info`, () => {
      const text = String(vectorJson(set, "collateral.json")["tcb_info"]);
      const changed = text.replace('"tcbEvaluationDataNumber":', '"tcbEvaluationDataNumber" :');
      expect(changed).not.toBe(text);
      const { tcbInfo } = collateralFromJson(vector(set, "collateral.json"));
      const our = ours(set, inside(), (one) => ({
        ...one,
        tcbInfo: { ...tcbInfo, text: changed },
      }));
      expect(our).toEqual({ code: "ATTEST_SIGNATURE" });
      expect(second(set, inside(), { tcb_info: changed })).toBeUndefined();
    });
    test(`${set}: it takes any bytes for a CRL, and we do not`, () => {
      const garbage = Buffer.from("garbage");
      expect(second(set, inside(), { pck_crl: garbage, root_ca_crl: garbage })?.status).toBe(
        status,
      );
      const our = ours(set, inside(), (one) => ({ ...one, pckCrl: garbage, rootCrl: garbage }));
      expect(our).toEqual({ code: "ATTEST_FORMAT" });
    });
    test(`${set}: it does not see that a CRL is another's or has run out`, () => {
      const { root_ca_crl } = theirCollateral(set);
      expect(second(set, inside(), { pck_crl: root_ca_crl })?.status).toBe(status);
      const swapped = ours(set, inside(), ({ rootCrl, ...rest }) => ({
        ...rest,
        ...(rootCrl === undefined ? {} : { rootCrl, pckCrl: rootCrl }),
      }));
      expect(swapped).toEqual({ code: "ATTEST_CERTIFICATE" });
    });
  }
});
