// SPDX-License-Identifier: Apache-2.0
/** Fresh evidence of a test authority: every fault, signed so that it is the one meant. */
import { describe, expect, test } from "bun:test";
import { AUTHORITY_USAGE, extension, LEAF_USAGE } from "../issue/certificate.ts";
import * as der from "../issue/der-writer.ts";
import { name } from "../testing/authority.ts";
import {
  type Evidence,
  type EvidenceOptions,
  foreignKey,
  makeEvidence,
  NOW,
} from "../testing/evidence.ts";
import { genuine, put, refusal, set, verdictOn } from "../testing/verdicts.ts";
import { parseCertificate } from "../x509/certificate.ts";
import { INTEL_SGX_ROOT, trustAnchorOf } from "../x509/trust.ts";
import type { QuoteOptions } from "./verdict.ts";

const DAY = 86_400_000;

describe("faults of certificates", () => {
  const before = new Date(NOW.getTime() - DAY);
  const after = new Date(NOW.getTime() + DAY);
  const critical = extension("1.2.3.4", der.integer(1), true);
  const faults: readonly (readonly [string, EvidenceOptions, string])[] = [
    ["expired root", { root: { notAfter: before } }, "ATTEST_TIME"],
    ["expired CA", { authority: { notAfter: before } }, "ATTEST_TIME"],
    ["expired PCK", { pck: { notAfter: before } }, "ATTEST_TIME"],
    ["expired TCB signer", { tcbSigner: { notAfter: before } }, "ATTEST_TIME"],
    ["root of tomorrow", { root: { notBefore: after } }, "ATTEST_TIME"],
    ["CA of tomorrow", { authority: { notBefore: after } }, "ATTEST_TIME"],
    ["PCK of tomorrow", { pck: { notBefore: after } }, "ATTEST_TIME"],
    ["TCB signer of tomorrow", { tcbSigner: { notBefore: after } }, "ATTEST_TIME"],
    ["root signed by another", { root: { signer: foreignKey } }, "ATTEST_CERTIFICATE"],
    ["CA signed by another", { authority: { signer: foreignKey } }, "ATTEST_CERTIFICATE"],
    ["PCK signed by another", { pck: { signer: foreignKey } }, "ATTEST_CERTIFICATE"],
    ["TCB signer signed by another", { tcbSigner: { signer: foreignKey } }, "ATTEST_CERTIFICATE"],
    [
      "root of the same name, another key",
      { root: { key: foreignKey, signer: foreignKey } },
      "ATTEST_CERTIFICATE",
    ],
    ["CA that is none", { authority: { authority: false, pathLength: undefined } }, "no authority"],
    ["root that is no CA", { root: { authority: false, pathLength: undefined } }, "no authority"],
    ["CA without key usage", { authority: { usage: undefined } }, "key usage"],
    ["CA with a leaf's key usage", { authority: { usage: LEAF_USAGE } }, "key usage"],
    ["root with a leaf's key usage", { root: { usage: LEAF_USAGE } }, "key usage"],
    ["root that allows no CA", { root: { pathLength: 0 } }, "path length"],
    ["PCK that is a CA", { pck: { authority: true } }, "is an authority"],
    ["PCK without key usage", { pck: { usage: undefined } }, "key usage"],
    ["PCK with a CA's key usage", { pck: { usage: AUTHORITY_USAGE } }, "key usage"],
    ["PCK of another name", { pck: { subject: name("Test PCK") } }, "SGX PCK Certificate"],
    ["TCB signer of another name", { tcbSigner: { subject: name("Test") } }, "ATTEST_COLLATERAL"],
    ["TCB signer that is a CA", { tcbSigner: { authority: true } }, "is an authority"],
    ["TCB signer without key usage", { tcbSigner: { usage: undefined } }, "key usage"],
    ["CA of another name", { authority: { subject: name("Test CA") } }, "ATTEST_CERTIFICATE"],
    ["unknown critical extension", { pck: { more: [critical] } }, "critical extension"],
    ["the same in a CA", { authority: { more: [critical] } }, "critical extension"],
    ["version 1", { pck: { version: 0 } }, "version 3"],
    ["serial of 21 bytes", { pck: { serial: new Uint8Array(21).fill(1) } }, "serial"],
    [
      "outer algorithm that is not the inner",
      { pck: { algorithm: der.sequence(der.oid("1.2.840.10045.4.3.3")) } },
      "algorithm",
    ],
  ];
  for (const [fault, options, expected] of faults) {
    test(fault, () => {
      expect(refusal(options)).toContain(expected);
      expect(refusal({ ...options, version: 5, body: "td15" })).toContain(expected);
    });
  }
  test("a PCK that signs TCB info about itself", () => {
    const evidence = makeEvidence();
    const { keys, ders } = evidence;
    const forger = makeEvidence({
      tcbSigner: { signer: keys.pck, issuer: name("Test SGX PCK Certificate") },
    });
    expect(verdictOn(forger).verified).toBe(false);
    const ca = makeEvidence({
      tcbSigner: { signer: keys.authority, issuer: name("Test SGX PCK Platform CA") },
    });
    const verdict = verdictOn(ca);
    expect(verdict.verified ? "" : verdict.failure.message).toContain("not certified by the root");
    expect(ders.pck.length).toBeGreaterThan(0);
  });
  test("a foreign certificate beside good ones", () => {
    const evidence = makeEvidence();
    const foreign = makeEvidence({ root: { key: foreignKey, signer: foreignKey } }).ders.root;
    const certificates = [...evidence.collateral.certificates, foreign];
    const verdict = verdictOn({
      ...evidence,
      collateral: { ...evidence.collateral, certificates },
    });
    expect(verdict.verified).toBe(false);
  });
  test("nobody trusts a test root by default", () => {
    const verdict = verdictOn(makeEvidence(), { anchors: [INTEL_SGX_ROOT] });
    expect(verdict.verified ? "" : verdict.failure.code).toBe("ATTEST_CERTIFICATE");
    expect(verdictOn(makeEvidence(), { anchors: [] }).verified).toBe(false);
  });
  test("a second trusted root does not speak about platforms of the first", () => {
    const evidence = makeEvidence();
    const other = name("Other SGX Root CA");
    const second = makeEvidence({
      root: { subject: other, issuer: other, key: foreignKey, signer: foreignKey },
      tcbSigner: { issuer: other, signer: foreignKey },
    });
    const anchors = [...evidence.anchors, trustAnchorOf(parseCertificate(second.ders.root))];
    const certificates = [second.ders.tcbSigner];
    const collateral = { ...evidence.collateral, certificates };
    const verdict = verdictOn({ ...evidence, collateral }, { anchors });
    expect(verdict.verified ? "" : verdict.failure.message).toContain("root is Other SGX Root CA");
  });
  test("two certificates of one root key, one of them expired", () => {
    const evidence = makeEvidence();
    const old = makeEvidence({ root: { notAfter: before, serial: Uint8Array.of(9) } }).ders.root;
    for (const certificates of [
      [old, ...evidence.collateral.certificates],
      [...evidence.collateral.certificates, old],
    ]) {
      const verdict = verdictOn({
        ...evidence,
        collateral: { ...evidence.collateral, certificates },
      });
      expect(verdict.verified).toBe(true);
    }
  });
});

describe("faults of CRLs", () => {
  const before = new Date(NOW.getTime() - DAY);
  const after = new Date(NOW.getTime() + DAY);
  const indirect = extension("2.5.29.28", der.sequence(), true);
  const faults: readonly (readonly [string, EvidenceOptions, string])[] = [
    ["PCK revoked", { pckCrl: { revoked: [Uint8Array.of(3)] } }, "ATTEST_REVOKED"],
    ["CA revoked", { rootCrl: { revoked: [Uint8Array.of(2)] } }, "ATTEST_REVOKED"],
    ["TCB signer revoked", { rootCrl: { revoked: [Uint8Array.of(4)] } }, "ATTEST_REVOKED"],
    ["old root CRL", { rootCrl: { nextUpdate: before } }, "ATTEST_TIME"],
    ["old PCK CRL", { pckCrl: { nextUpdate: before } }, "ATTEST_TIME"],
    ["root CRL of tomorrow", { rootCrl: { thisUpdate: after } }, "ATTEST_TIME"],
    ["PCK CRL of tomorrow", { pckCrl: { thisUpdate: after } }, "ATTEST_TIME"],
    ["root CRL signed by another", { rootCrl: { signer: foreignKey } }, "ATTEST_SIGNATURE"],
    ["PCK CRL signed by another", { pckCrl: { signer: foreignKey } }, "ATTEST_SIGNATURE"],
    ["PCK CRL of another CA", { pckCrl: { issuer: name("Other CA") } }, "ATTEST_CERTIFICATE"],
    ["root CRL of another CA", { rootCrl: { issuer: name("Other CA") } }, "ATTEST_CERTIFICATE"],
    ["CRL of some certificates only", { pckCrl: { more: [indirect] } }, "critical extension"],
    [
      "CA that may not sign CRLs",
      { authority: { usage: der.bits(Uint8Array.of(0x04), 2) } },
      "signing CRLs",
    ],
    [
      "root that may not sign CRLs",
      { root: { usage: der.bits(Uint8Array.of(0x04), 2) } },
      "signing CRLs",
    ],
  ];
  for (const [fault, options, expected] of faults) {
    test(fault, () => {
      expect(refusal(options)).toContain(expected);
      expect(refusal({ ...options, body: "td10" })).toContain(expected);
    });
  }
  test("absent, empty, garbage, swapped", () => {
    const evidence = makeEvidence();
    const { rootCrl, pckCrl, ...rest } = evidence.collateral;
    const code = (collateral: Evidence["collateral"], how: Partial<QuoteOptions> = {}) => {
      const verdict = verdictOn({ ...evidence, collateral }, how);
      return verdict.verified ? "verified" : verdict.failure.code;
    };
    if (rootCrl === undefined || pckCrl === undefined) throw new Error("no CRLs");
    expect(code(rest)).toBe("ATTEST_COLLATERAL");
    expect(code({ ...rest, rootCrl })).toBe("ATTEST_COLLATERAL");
    expect(code({ ...rest, pckCrl })).toBe("ATTEST_COLLATERAL");
    // Waiving revocation is about lists that are not there, not about bad ones.
    expect(code(rest, { waiveRevocation: true })).toBe("verified");
    expect(code({ ...rest, rootCrl }, { waiveRevocation: true })).toBe("ATTEST_COLLATERAL");
    expect(code({ ...rest, rootCrl, pckCrl: new Uint8Array() })).toBe("ATTEST_FORMAT");
    expect(code({ ...rest, rootCrl, pckCrl: new Uint8Array(300).fill(0x30) })).toBe(
      "ATTEST_FORMAT",
    );
    expect(code({ ...rest, rootCrl: pckCrl, pckCrl: rootCrl })).toBe("ATTEST_CERTIFICATE");
  });
});

describe("faults of collateral and quote", () => {
  const faults: readonly (readonly [string, EvidenceOptions, string])[] = [
    ["TCB info signed by another", { wrongTcbSignature: true }, "ATTEST_SIGNATURE"],
    ["QE identity signed by another", { wrongIdentitySignature: true }, "ATTEST_SIGNATURE"],
    ["TCB info of another FMSPC", { tcbInfo: set("fmspc", "00906ED50001") }, "FMSPC"],
    ["TCB info of another PCEID", { tcbInfo: set("pceId", "0100") }, "PCEID"],
    ["TCB info of TDX", { tcbInfo: set("id", "TDX") }, "ATTEST_FORMAT"],
    ["TCB info of a newer version", { tcbInfo: set("version", 4) }, "version 4"],
    ["TCB info of another type", { tcbInfo: set("tcbType", 1) }, "tcbType"],
    ["TCB info expired", { tcbInfo: set("nextUpdate", "2026-06-15T11:59:59Z") }, "ATTEST_TIME"],
    [
      "TCB info of the future",
      { tcbInfo: set("issueDate", "2026-06-15T12:00:01Z") },
      "ATTEST_TIME",
    ],
    [
      "TCB info with 31 February",
      { tcbInfo: set("nextUpdate", "2027-02-31T00:00:00Z") },
      "ATTEST_FORMAT",
    ],
    ["TCB info without levels", { tcbInfo: set("tcbLevels", undefined) }, "ATTEST_FORMAT"],
    [
      "QE identity expired",
      { qeIdentity: set("nextUpdate", "2026-06-15T11:59:59Z") },
      "ATTEST_TIME",
    ],
    [
      "QE identity of the future",
      { qeIdentity: set("issueDate", "2026-06-15T12:00:01Z") },
      "ATTEST_TIME",
    ],
    ["identity of Intel's verifier", { qeIdentity: set("id", "QVE") }, "ATTEST_MISMATCH"],
    ["identity of TDX", { qeIdentity: set("id", "TD_QE") }, "ATTEST_MISMATCH"],
    ["identity of nothing", { qeIdentity: set("id", "XE") }, "ATTEST_FORMAT"],
    ["identity of another signer", { qeIdentity: set("mrsigner", "00".repeat(32)) }, "MRSIGNER"],
    ["identity of another product", { qeIdentity: set("isvprodid", 3) }, "ISVPRODID"],
    ["QE of another signer", { qeReport: put(128, 0) }, "MRSIGNER"],
    ["QE of another product", { qeReport: put(256, 9) }, "ISVPRODID"],
    ["QE in debug mode", { qeReport: put(48, 0x17) }, "ATTRIBUTES"],
    ["QE with MISCSELECT", { qeReport: put(16, 1) }, "MISCSELECT"],
    ["QE that reported another key", { qeReport: put(320, 0) }, "ATTEST_SIGNATURE"],
    ["QE that reported more", { qeReport: put(383, 1) }, "ATTEST_SIGNATURE"],
    ["quote signed by another key", { wrongAttestationKey: true }, "ATTEST_SIGNATURE"],
    ["quote of version 2", { header: put(0, 2) }, "ATTEST_UNSUPPORTED"],
    ["quote of version 6", { header: put(0, 6) }, "ATTEST_UNSUPPORTED"],
    ["quote with a P-384 key", { header: put(2, 3) }, "ATTEST_UNSUPPORTED"],
    ["TDX in version 3", { header: put(4, 0x81) }, "ATTEST_UNSUPPORTED"],
    ["quote of another QE vendor", { header: put(12, 0) }, "ATTEST_UNSUPPORTED"],
    ["reserved bytes in the report", { report: put(100, 1) }, "reserved"],
    ["a platform manifest", { certificationType: 7 }, "ATTEST_UNSUPPORTED"],
  ];
  for (const [fault, options, expected] of faults) {
    test(fault, () => expect(refusal(options)).toContain(expected));
  }
  test("SGX collateral for TDX, and the other way round", () => {
    const sgx = makeEvidence();
    const tdx = makeEvidence({ body: "td10" });
    const code = (evidence: Evidence) => {
      const verdict = verdictOn(evidence);
      return verdict.verified ? "verified" : verdict.failure.code;
    };
    expect(code({ ...sgx, collateral: tdx.collateral })).toBe("ATTEST_MISMATCH");
    expect(code({ ...tdx, collateral: sgx.collateral })).toBe("ATTEST_MISMATCH");
  });
  test("a PCK certificate of another platform for a quote that names its own", () => {
    const evidence = makeEvidence({ certificationType: 1 });
    const type = new DataView(evidence.quote.buffer).getUint16(436 + 576 + 34, true);
    expect(type).toBe(1);
    const at = 436 + 576 + 34 + 6;
    for (const [offset, reason] of [
      [0, "PPID"],
      [34, "PCEID"],
    ] as const) {
      const quote = evidence.quote.slice();
      quote[at + offset] = (quote[at + offset] ?? 0) ^ 1;
      const verdict = verdictOn({ ...evidence, quote });
      expect(verdict.verified ? "" : verdict.failure.message).toContain(reason);
    }
    const older = evidence.quote.slice();
    older[at + 32] = 9;
    const verdict = verdictOn({ ...evidence, quote: older });
    expect(verdict.verified ? "" : verdict.failure.message).toContain("PCESVN");
  });
  test("simulation is refused unless it is allowed", () => {
    const options = { namePrefix: "SIMULATION " };
    expect(refusal(options)).toContain("ATTEST_SIMULATION");
    const verdict = genuine(options, { allowSimulation: true });
    expect(verdict.simulated).toBe(true);
    expect(refusal(options, { allowSimulation: true, anchors: [INTEL_SGX_ROOT] })).toContain(
      "ATTEST_CERTIFICATE",
    );
  });
  test("bytes after the quote", () => {
    const evidence = makeEvidence();
    const quote = new Uint8Array([...evidence.quote, 0, 0, 0]);
    expect(verdictOn({ ...evidence, quote }).verified).toBe(false);
    const verdict = verdictOn({ ...evidence, quote }, { allowTrailing: true });
    expect(verdict.verified && verdict.quote.trailingBytes).toBe(3);
  });
  test("a time that is none", () => {
    const verdict = verdictOn(makeEvidence(), { at: new Date(Number.NaN) });
    expect(verdict.verified ? "" : verdict.failure.code).toBe("ATTEST_TIME");
  });
});
