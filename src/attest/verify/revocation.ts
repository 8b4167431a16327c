// SPDX-License-Identifier: Apache-2.0
/** Revocation: both CRLs are genuine and of now, and nothing that is relied on is on them. */
import { type Collateral, missing } from "../collateral/collateral.ts";
import { requireCurrent } from "../collateral/signed-json.ts";
import { attestError } from "../error.ts";
import { type Certificate, KEY_USAGE } from "../x509/certificate.ts";
import type { Path } from "../x509/chain.ts";
import { type Crl, parseCrl } from "../x509/crl.ts";
import { type PublicKey, requireSignature } from "../x509/keys.ts";
import { describeCrl } from "./describe.ts";
import { outOfRole, type Pck } from "./pck.ts";
import type { Trace } from "./trace.ts";

/** Checks both CRLs and that nothing on any path is on them. Returns them; none if waived. */
export function checkRevocation(
  trace: Trace,
  collateral: Collateral,
  { path, authority }: Pck,
  others: readonly Path[],
  {
    at,
    graceMs,
    waiveRevocation = false,
  }: { at: number; graceMs: number; waiveRevocation?: boolean },
): readonly Crl[] {
  const { rootCrl, pckCrl } = collateral;
  if (rootCrl === undefined && pckCrl === undefined && waiveRevocation) {
    trace.check(
      "revocation",
      () => undefined,
      "not checked: no CRLs were given, and that was allowed",
    );
    return [];
  }
  const root = trace.check(
    "root CRL",
    () => {
      if (rootCrl === undefined) throw missing("the root's CRL");
      const [below] = path.certificates.filter((one) => one.subject.id === path.root.subjectId);
      if (below !== undefined) requireCrlSigner(below);
      const crl = verifyCrl(rootCrl, path.root, at, graceMs);
      for (const one of [path, ...others]) {
        for (const certificate of one.certificates) requireNotRevoked(certificate, crl);
      }
      return crl;
    },
    describeCrl,
  );
  const platform = trace.check(
    "PCK CRL",
    () => {
      if (pckCrl === undefined) throw missing("the PCK CA's CRL");
      requireCrlSigner(authority);
      const { subject, publicKey } = authority;
      const issuer = { subjectId: subject.id, publicKey, name: subject.commonName };
      const crl = verifyCrl(pckCrl, issuer, at, graceMs);
      requireNotRevoked(path.certificates[0], crl);
      return crl;
    },
    describeCrl,
  );
  return [root, platform];
}

/** Reads a CRL and checks that it is its issuer's and of now. */
function verifyCrl(
  der: Uint8Array,
  issuer: { readonly subjectId: string; readonly publicKey: PublicKey; readonly name: string },
  at: number,
  graceMs: number,
): Crl {
  const doing = `check CRL of \`${issuer.name}\``;
  const crl = parseCrl(der);
  if (crl.issuer.id !== issuer.subjectId) {
    throw attestError("ATTEST_CERTIFICATE", doing, `it is that of ${crl.issuer.text}`);
  }
  requireSignature(issuer.publicKey, crl.signed, crl.signature, doing, issuer.name);
  requireCurrent({ issueDate: crl.thisUpdate, nextUpdate: crl.nextUpdate }, at, graceMs, doing);
  return crl;
}

function requireNotRevoked(certificate: Certificate, crl: Crl): void {
  if (crl.issuer.id !== certificate.issuer.id || !crl.revoked.has(certificate.serial)) return;
  throw attestError(
    "ATTEST_REVOKED",
    `check certificate \`${certificate.subject.commonName}\``,
    `serial number ${certificate.serial} was revoked by ${crl.issuer.commonName}`,
  );
}

/** Whoever signs CRLs must be allowed to. */
function requireCrlSigner(authority: Certificate): void {
  if (authority.keyUsage?.(KEY_USAGE.cRLSign) === true) return;
  throw outOfRole(authority, "its key usage does not include signing CRLs");
}
