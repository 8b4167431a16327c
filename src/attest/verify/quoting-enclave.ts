// SPDX-License-Identifier: Apache-2.0
/** The quoting enclave: certified by the PCK, holder of the attestation key, and one of Intel's. */
import { createHash } from "node:crypto";
import { sameBytes, toHex } from "../../sgx/bytes.ts";
import type { EnclaveIdentity } from "../collateral/qe-identity.ts";
import type { SvnLevel } from "../collateral/tcb-info.ts";
import { attestError } from "../error.ts";
import type { QuotingEnclave } from "../quote/quote.ts";
import { type PublicKey, requireSignature } from "../x509/keys.ts";

export function verifyQeReportSignature(qe: QuotingEnclave, pck: PublicKey): void {
  requireSignature(
    pck,
    qe.reportBytes,
    { kind: "P-256", value: qe.reportSignature },
    "check QE report",
    "the PCK",
  );
}

/** REPORTDATA of the QE = SHA-256(attestation key || authentication data), then 32 zero bytes. */
export function verifyAttestationKeyBinding(
  qe: QuotingEnclave,
  attestationKey: Uint8Array,
): string {
  const expected = new Uint8Array(64);
  expected.set(createHash("sha256").update(attestationKey).update(qe.authenticationData).digest());
  if (!sameBytes(qe.report.reportData, expected)) {
    throw attestError(
      "ATTEST_SIGNATURE",
      "check attestation key",
      `the QE reported ${toHex(qe.report.reportData.subarray(0, 32))}, the key and its data hash to ${toHex(expected.subarray(0, 32))}`,
    );
  }
  return toHex(expected.subarray(0, 32));
}

/** Compares the QE's report with its published identity, and returns the level of its ISVSVN. */
export function matchQeIdentity(
  qe: QuotingEnclave,
  identity: EnclaveIdentity,
  tee: "sgx" | "tdx",
): SvnLevel {
  const { report, reportBytes } = qe;
  const wanted = tee === "sgx" ? "QE" : "TD_QE";
  const refuse = (field: string, got: string, expected: string) =>
    attestError(
      "ATTEST_MISMATCH",
      "compare QE with its identity",
      `${field} is ${got}, expected ${expected}`,
    );
  if (identity.id !== wanted) throw refuse("id", identity.id, wanted);
  if (!sameBytes(report.mrsigner, identity.mrSigner)) {
    throw refuse("MRSIGNER", toHex(report.mrsigner), toHex(identity.mrSigner));
  }
  if (report.isvProdId !== identity.isvProdId) {
    throw refuse("ISVPRODID", String(report.isvProdId), String(identity.isvProdId));
  }
  const miscSelect = reportBytes.subarray(16, 20);
  if (!matchesMasked(miscSelect, identity.miscSelect, identity.miscSelectMask)) {
    throw refuse(
      "MISCSELECT",
      toHex(miscSelect),
      `${toHex(identity.miscSelect)} under ${toHex(identity.miscSelectMask)}`,
    );
  }
  const attributes = reportBytes.subarray(48, 64);
  if (!matchesMasked(attributes, identity.attributes, identity.attributesMask)) {
    throw refuse(
      "ATTRIBUTES",
      toHex(attributes),
      `${toHex(identity.attributes)} under ${toHex(identity.attributesMask)}`,
    );
  }
  return levelOfSvn(identity.levels, report.isvSvn, `${wanted} with ISVSVN ${report.isvSvn}`);
}

/** The first level that an SVN reaches; Intel lists the highest first. */
export function levelOfSvn(levels: readonly SvnLevel[], svn: number, what: string): SvnLevel {
  const level = levels.find(({ isvSvn }) => svn >= isvSvn);
  if (level !== undefined) return level;
  throw attestError("ATTEST_TCB", "match TCB level", `no level for ${what}`);
}

/** Whether (bytes & mask) = (expected & mask). */
export function matchesMasked(bytes: Uint8Array, expected: Uint8Array, mask: Uint8Array): boolean {
  const under = (value: Uint8Array) => value.map((byte, index) => byte & (mask[index] ?? 0));
  return sameBytes(under(bytes), under(expected));
}
