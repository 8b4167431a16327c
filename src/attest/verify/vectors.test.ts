// SPDX-License-Identifier: Apache-2.0
/** Real quotes with the verdicts that their sources state. */
import { describe, expect, test } from "bun:test";
import type { Collateral } from "../collateral/collateral.ts";
import { collateralFromTexts } from "../collateral/collateral.ts";
import { signatureBytes } from "../collateral/signed-json.ts";
import { noVectors, vector, vectorJson, vectorText } from "../testing/vectors.ts";
import { rawEcdsa } from "../x509/keys.ts";
import { pemBlocks, toPem } from "../x509/pem.ts";
import type { GenuineQuote, QuoteOptions, QuoteVerdict } from "./verdict.ts";
import { verifyQuote, verifyQuoteOrigin } from "./verify-quote.ts";

const why = noVectors === undefined ? "" : ` (skipped: ${noVectors})`;

function seconds(time: number): Date {
  return new Date(time * 1000);
}

function ders(pem: string): Uint8Array[] {
  return pemBlocks(pem, "CERTIFICATE", "chain", 8);
}

/** Sets that keep every answer in a file of its own. */
function collateralOf(
  set: string,
  chains: readonly string[],
  crls?: { readonly root: string; readonly pck: string },
): Collateral {
  return collateralFromTexts({
    tcbInfo: vectorText(set, "tcb_info.json"),
    qeIdentity: vectorText(set, "qe_identity.json"),
    ...(crls === undefined
      ? {}
      : { rootCrl: vector(set, crls.root), pckCrl: vector(set, crls.pck) }),
    chains: chains.map((file) =>
      file.endsWith(".der") ? toPem(vector(set, file), "CERTIFICATE") : vectorText(set, file),
    ),
  });
}

/** Phala's form: one object of strings. */
function phalaCollateral(set: string): Collateral {
  const json = vectorJson(set, "collateral.json");
  const text = (name: string) => String(json[name]);
  const hex = (name: string) => new Uint8Array(Buffer.from(text(name), "hex"));
  return {
    tcbInfo: {
      text: text("tcb_info"),
      signature: signatureBytes(text("tcb_info_signature"), "TCB info"),
    },
    qeIdentity: {
      text: text("qe_identity"),
      signature: signatureBytes(text("qe_identity_signature"), "QE identity"),
    },
    rootCrl: hex("root_ca_crl"),
    pckCrl: hex("pck_crl"),
    certificates: [
      ...ders(text("pck_crl_issuer_chain")),
      ...ders(text("tcb_info_issuer_chain")),
      ...ders(text("qe_identity_issuer_chain")),
    ],
  };
}

/** A minute after the later of TCB info and QE identity was issued. */
function windowStart(collateral: Collateral): Date {
  const starts = [collateral.tcbInfo, collateral.qeIdentity].map(({ text }) =>
    Date.parse(String((JSON.parse(text) as Record<string, unknown>)["issueDate"])),
  );
  return new Date(Math.max(...starts) + 60_000);
}

function genuine(verdict: QuoteVerdict): GenuineQuote {
  if (!verdict.verified) throw verdict.failure;
  return verdict;
}

function refusal(verdict: { readonly verified: boolean }): string {
  if (verdict.verified || !("failure" in verdict)) return "verified";
  const { failure } = verdict as Extract<QuoteVerdict, { verified: false }>;
  return `${failure.code}: ${failure.message}`;
}

function mrenclaveOf({ quote }: GenuineQuote): string {
  if (quote.body.tee !== "sgx") throw new Error("no enclave");
  return Buffer.from(quote.body.report.mrenclave).toString("hex");
}

describe.skipIf(noVectors !== undefined)(`SGX quotes of others${why}`, () => {
  const mobilecoin = "dcap-sgx-v3-mobilecoin-swhard";
  const chains = ["tcb_signer.pem", "root_ca.pem"];
  const crls = { root: "root_crl.der", pck: "processor_crl.der" };
  const at = new Date("2023-07-12T20:48:25Z");

  test("MobileCoin's: hardening needed, two advisories", () => {
    const quote = vector(mobilecoin, "quote.bin");
    const collateral = collateralOf(mobilecoin, chains, crls);
    // Their PCK CRL ran out in May; their verifier does not look at its dates.
    expect(refusal(verifyQuote(quote, collateral, { at }))).toContain("2023-05-21T22:00:36Z");
    const days = 60 * 86_400_000;
    const verdict = genuine(verifyQuote(quote, collateral, { at, collateralGraceMs: days }));
    expect(verdict.revocationChecked).toBe(true);
    expect(verdict.status).toBe("SWHardeningNeeded");
    expect(verdict.advisoryIds).toEqual(["INTEL-SA-00334", "INTEL-SA-00615"]);
    expect(mrenclaveOf(verdict)).toBe(
      "840d61b0585dc8b4dc90f53af293c760fda06bee75978a6a86263ffb296423f4",
    );
    const { body } = verdict.quote;
    if (body.tee !== "sgx") throw new Error("no enclave");
    expect(Buffer.from(body.report.mrsigner).toString("hex")).toBe(
      "9f06df5ca79a23ffdfb6ca0ec85514e21dd1cbd1ed11abc45dbe8dc894efdddf",
    );
    expect([body.report.isvProdId, body.report.isvSvn]).toEqual([0, 0]);
  });

  test("MobileCoin's: outside the dates, for another platform, changed", () => {
    const quote = vector(mobilecoin, "quote.bin");
    const verify = (collateral: Collateral, options: QuoteOptions, bytes = quote) =>
      refusal(verifyQuote(bytes, collateral, { ...options, waiveRevocation: true }));
    const collateral = collateralOf(mobilecoin, chains);
    // Their verifier refuses at nextUpdate itself, ours as Intel's one second later.
    const end = Date.parse("2023-08-11T19:56:44Z");
    expect(verify(collateral, { at: new Date(end) })).toBe("verified");
    expect(verify(collateral, { at: new Date(end + 1) })).toContain("ATTEST_TIME: check TCB info");
    expect(verify(collateral, { at: new Date("2023-07-12T19:56:44Z") })).toContain("ATTEST_TIME");
    const other = collateralFromTexts({
      tcbInfo: vectorText(mobilecoin, "example_tcb.json"),
      qeIdentity: vectorText(mobilecoin, "qe_identity.json"),
      chains: [vectorText(mobilecoin, "tcb_signer.pem"), vectorText(mobilecoin, "root_ca.pem")],
    });
    expect(verify(other, { at })).toMatch(/ATTEST_(SIGNATURE|MISMATCH|TIME)/);
    const changed = quote.slice();
    changed[2] = (changed[2] ?? 0) + 1;
    expect(verify(collateral, { at }, changed)).toContain("key type 3");
    const named = quote.slice();
    const view = new DataView(named.buffer);
    view.setUint16(436 + 576 + 2 + view.getUint16(436 + 576, true), 1, true);
    expect(verify(collateral, { at }, named)).toContain("ATTEST_FORMAT");
  });

  test("Oasis': good at its time, refused at the four others", () => {
    const set = "dcap-sgx-v3-oasis";
    const expected = vectorJson(set, "expected.json") as {
      time: number;
      mrenclave: string;
      failTimes: Record<string, string>;
    };
    const quote = vector(set, "quote.bin");
    const collateral = collateralOf(set, ["tcb_certs.pem"]);
    const verify = (time: number) =>
      verifyQuote(quote, collateral, { at: seconds(time), waiveRevocation: true });
    const verdict = genuine(verify(expected.time));
    expect(mrenclaveOf(verdict)).toBe(expected.mrenclave);
    expect(["UpToDate", "SWHardeningNeeded"]).toContain(verdict.status);
    expect(verdict.quote.qeSvn).toBe(9);
    expect(verdict.quote.pceSvn).toBe(13);
    expect(verdict.revocationChecked).toBe(false);
    for (const time of Object.keys(expected.failTimes)) {
      expect(refusal(verify(Number(time)))).toContain("ATTEST_TIME");
    }
    expect(refusal(verifyQuote(quote, collateral, { at: seconds(expected.time) }))).toContain(
      "ATTEST_COLLATERAL",
    );
    const bad = collateralOf(set, ["tcb_certs_bad.pem"]);
    expect(
      refusal(verifyQuote(quote, bad, { at: seconds(expected.time), waiveRevocation: true })),
    ).toContain("SGX TCB Signing");
    for (const [piece, byte] of [
      ["tcbInfo", 16],
      ["qeIdentity", 22],
    ] as const) {
      const { text, signature } = collateral[piece];
      const changed = { text: `${text.slice(0, byte)}x${text.slice(byte + 1)}`, signature };
      const verdict = verifyQuote(
        quote,
        { ...collateral, [piece]: changed },
        { at: seconds(expected.time), waiveRevocation: true },
      );
      expect(refusal(verdict)).toContain("ATTEST_SIGNATURE");
    }
  });

  test("Phala's: configuration and hardening needed, inside the window", () => {
    const set = "dcap-sgx-v3-phala-confsw";
    const collateral = phalaCollateral(set);
    const at = windowStart(collateral);
    const verdict = genuine(verifyQuote(vector(set, "quote.bin"), collateral, { at }));
    expect(verdict.status).toBe("ConfigurationAndSWHardeningNeeded");
    expect(verdict.advisoryIds).toEqual(["INTEL-SA-00289", "INTEL-SA-00615"]);
  });

  test("zkdcap's: hardening needed, and the window of validity", () => {
    const set = "dcap-sgx-v3-zkdcap-swhard";
    const collateral = collateralOf(set, ["tcb_signing_cert.pem", "root.der"], {
      root: "root_ca_crl.der",
      pck: "pck_crl.der",
    });
    const quote = vector(set, "quote.bin");
    const verdict = genuine(verifyQuote(quote, collateral, { at: seconds(1737458686) }));
    expect(verdict.status).toBe("SWHardeningNeeded");
    expect(verdict.advisoryIds).toEqual(["INTEL-SA-00334", "INTEL-SA-00615"]);
    expect(Buffer.from(verdict.platform.fmspc).toString("hex")).toBe("00906ed50000");
    expect(verdict.validity.notBefore).toEqual(seconds(1737456351));
    expect(verdict.validity.notAfter).toEqual(seconds(1740048100));
  });

  test("Fortanix': TCB info version 2, and copies that were changed", () => {
    const set = "dcap-sgx-v3-fortanix";
    const saved = (file: string, member: string) => {
      const json = vectorJson(set, file) as {
        signature: number[];
        ca_chain: string[];
      } & Record<string, unknown>;
      return {
        piece: {
          text: String(json[member]),
          signature: rawEcdsa(Uint8Array.from(json.signature), "signature"),
        },
        certificates: json.ca_chain.flatMap(ders),
      };
    };
    const collateral = (tcb: string, identity: string): Collateral => {
      const tcbInfo = saved(tcb, "raw_tcb_info");
      const qeIdentity = saved(identity, "raw_enclave_identity");
      return {
        tcbInfo: tcbInfo.piece,
        qeIdentity: qeIdentity.piece,
        certificates: [...tcbInfo.certificates, ...qeIdentity.certificates],
      };
    };
    const options = { at: new Date("2020-06-05T12:00:00Z"), waiveRevocation: true };
    const quote = vector(set, "quote.bin");
    const good = collateral("00906ea10000.tcb", "qe3_identity.id");
    const verdict = verifyQuote(quote, good, options);
    expect(genuine(verdict).quote.qe.certification.type).toBe(5);
    expect(Buffer.from(genuine(verdict).platform.fmspc).toString("hex")).toBe("00906ea10000");
    expect(
      refusal(verifyQuote(quote, good, { ...options, at: new Date("2020-06-17T17:49:25Z") })),
    ).toContain("2020-06-17T17:49:24Z");
    const badTcb = collateral("corrupted-00906ea10000.tcb", "qe3_identity.id");
    expect(verifyQuote(quote, badTcb, options).verified).toBe(false);
    const badId = collateral("00906ea10000.tcb", "corrupted-qe3_identity.id");
    expect(verifyQuote(quote, badId, options).verified).toBe(false);
  });

  test("Fortanix': a chain out of order, a corrupted one, a quote that names its platform", () => {
    const set = "dcap-sgx-v3-fortanix";
    const at = new Date("2020-06-05T12:00:00Z");
    const origin = (file: string, certificates: Uint8Array[] = []) =>
      verifyQuoteOrigin(vector(set, file), certificates, { at });
    expect(refusal(origin("quote_pck_cert_chain.bin"))).toBe("verified");
    expect(origin("quote_pck_cert_chain_corrupted.bin").verified).toBe(false);
    expect(refusal(origin("quote_raw_tcb.bin"))).toContain("ATTEST_COLLATERAL");
    const foreign = ders(
      vectorText(set, "pck_quote.cert") +
        vectorText(set, "processor_ca.cert") +
        vectorText(set, "root_ca.cert"),
    );
    // Genuine certificates of another platform do not make this quote genuine.
    expect(refusal(origin("quote_raw_tcb.bin", foreign))).toMatch(/ATTEST_(SIGNATURE|MISMATCH)/);
  });
});

describe.skipIf(noVectors !== undefined)(`TDX quotes of others${why}`, () => {
  test("Phala's: up to date, 70 bytes of padding", () => {
    const set = "dcap-tdx-v4-phala-uptodate";
    const collateral = phalaCollateral(set);
    const at = windowStart(collateral);
    const quote = vector(set, "quote.bin");
    expect(refusal(verifyQuote(quote, collateral, { at }))).toContain("70 bytes follow");
    const verdict = genuine(verifyQuote(quote, collateral, { at, allowTrailing: true }));
    expect(verdict.status).toBe("UpToDate");
    expect(verdict.advisoryIds).toEqual([]);
    expect(verdict.quote.trailingBytes).toBe(70);
  });

  test("zkdcap's: out of date, padded to 8000 bytes", () => {
    const set = "dcap-tdx-v4-zkdcap-outofdate";
    const collateral = collateralOf(set, ["tcb_signing_cert.pem", "root.der"], {
      root: "root_ca_crl.der",
      pck: "pck_crl.der",
    });
    const options = { at: seconds(1737467060), allowTrailing: true };
    const verdict = genuine(verifyQuote(vector(set, "quote.bin"), collateral, options));
    expect(verdict.status).toBe("OutOfDate");
  });

  test("Automata's: out of date, module and QE up to date", () => {
    const set = "dcap-tdx-v4-automata-2025-06";
    const collateral = collateralOf(set, ["tcb_issuer_chain.pem"], {
      root: "root_ca_crl.der",
      pck: "pck_crl.der",
    });
    const options = { at: seconds(1749095100), allowTrailing: true };
    const verdict = genuine(verifyQuote(vector(set, "quote.bin"), collateral, options));
    expect(verdict.status).toBe("OutOfDate");
    expect(verdict.parts).toEqual({ platform: "OutOfDate", qe: "UpToDate", module: "UpToDate" });
    expect(verdict.advisoryIds).toEqual(["INTEL-SA-00960", "INTEL-SA-00982", "INTEL-SA-00986"]);
    expect(verdict.quote.trailingBytes).toBe(3065);
  });

  test("Oasis': good without CRLs; the one with trailing bytes", () => {
    const set = "dcap-tdx-v4-oasis";
    const collateral = collateralOf(set, ["tcb_certs.pem"]);
    const options = { at: seconds(1725263032), waiveRevocation: true };
    const verdict = genuine(verifyQuote(vector(set, "quote.bin"), collateral, options));
    expect(verdict.status).toBe("UpToDate");
    const trailing = vector(set, "quote_trailing.bin");
    const at = new Date("2024-10-01T00:00:00Z");
    expect(refusal(verifyQuoteOrigin(trailing, [], { at }))).toContain("70 bytes follow");
    expect(refusal(verifyQuoteOrigin(trailing, [], { at, allowTrailing: true }))).toBe("verified");
    expect(refusal(verifyQuoteOrigin(trailing.subarray(0, -70), [], { at }))).toBe("verified");
  });

  test("Oasis' other: no level, which is no verdict rather than OutOfDate", () => {
    const set = "dcap-tdx-v4-oasis-outofdate";
    const collateral = collateralOf(set, ["tcb_certs.pem"]);
    const options = { at: seconds(1687091776), waiveRevocation: true };
    expect(refusal(verifyQuote(vector(set, "quote.bin"), collateral, options))).toContain(
      "ATTEST_TCB",
    );
  });

  test("Google's: version 4 and 5 chains; no level under the collateral given", () => {
    const set = "dcap-tdx-v4v5-google";
    const v4 = vector(set, "tdx_prod_quote_SPR_E4.dat");
    const at = new Date("2023-07-01T01:00:00Z");
    const options = { at, allowTrailing: true };
    expect(refusal(verifyQuoteOrigin(v4, [], options))).toBe("verified");
    const v5 = vector(set, "quote_v5_sample.dat");
    const later = { at: new Date("2026-02-03T01:00:00Z"), allowTrailing: true };
    const origin = verifyQuoteOrigin(v5, [], later);
    expect(refusal(origin)).toBe("verified");
    if (origin.verified) expect(origin.quote.version).toBe(5);
    // The set brings no issuer chain: the certificate of another set is the same.
    const collateral = collateralFromTexts({
      tcbInfo: vectorText(set, "sample_tcbInfo_response"),
      qeIdentity: vectorText(set, "sample_qeIdentity_response"),
      rootCrl: vector(set, "rootcrl.der"),
      pckCrl: vector(set, "pckcrl"),
      chains: [vectorText("dcap-tdx-v4-oasis-outofdate", "tcb_certs.pem")],
    });
    expect(refusal(verifyQuote(v4, collateral, options))).toContain("ATTEST_TCB");
  });
});
