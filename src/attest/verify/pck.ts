// SPDX-License-Identifier: Apache-2.0
/** The PCK certificate: which it is, who issued it, whether it was revoked. */
import { sameBytes, toHex } from "../../sgx/bytes.ts";
import { missing } from "../collateral/collateral.ts";
import { attestError, formatError } from "../error.ts";
import type { Certification } from "../quote/certification.ts";
import {
  type Certificate,
  KEY_USAGE,
  parseCertificate,
  parseCertificates,
} from "../x509/certificate.ts";
import { type CertificateStore, checkPath, type Path } from "../x509/chain.ts";
import { isPck, type PlatformIdentity, readPlatformIdentity } from "../x509/sgx-extension.ts";

/** All certificates there are, and which of them certifies the quoting enclave's platform. */
export type Certificates = { readonly pck: Certificate; readonly all: readonly Certificate[] };

/**
 * Collects the certificates of the quote and of the collateral. The PCK is the quote's where it
 * brings one; a quote that only names its platform needs it among the collateral's.
 */
export function collectCertificates(
  certification: Certification,
  collateral: readonly Uint8Array[],
): Certificates {
  const given = collateral.map((der) => parseCertificate(der, "collateral certificate"));
  const brought =
    certification.type === 4 || certification.type === 5
      ? parseCertificates(certification.pem, "quote's certificate chain")
      : [];
  if (certification.type === 4 && brought.length !== 1) {
    throw formatError("quote", `${brought.length} certificates in data of type 4, which is one`);
  }
  if (certification.type === 7) {
    throw attestError(
      "ATTEST_UNSUPPORTED",
      "verify quote",
      "the certification data is a platform manifest, which certifies nothing",
    );
  }
  const candidates = (brought.length > 0 ? brought : given).filter(isPck);
  const [pck, second] = candidates;
  if (pck === undefined) {
    throw brought.length > 0
      ? attestError(
          "ATTEST_CERTIFICATE",
          "read quote",
          "its certificate chain holds no PCK certificate",
        )
      : missing(
          "the platform's PCK certificate",
          "the quote only names its platform; fetch the PCK certificate with its PPID",
        );
  }
  if (second !== undefined && toHex(second.der) !== toHex(pck.der)) {
    throw attestError(
      "ATTEST_CERTIFICATE",
      "verify quote",
      "two PCK certificates where one is expected",
    );
  }
  return { pck, all: [...brought, ...given] };
}

export type Pck = {
  readonly path: Path;
  readonly authority: Certificate;
  readonly identity: PlatformIdentity;
};

/** Checks the PCK's path and the role of each certificate on it. */
export function verifyPck(pck: Certificate, store: CertificateStore, at: number): Pck {
  const path = store.pathOf(pck);
  checkPath(path, at);
  const [, authority, above] = path.certificates;
  if (authority === undefined || path.certificates.length > (above === undefined ? 2 : 3)) {
    throw outOfRole(pck, "its chain is not PCK certificate, PCK CA, root");
  }
  requireRole(pck, "SGX PCK Certificate", KEY_USAGE.digitalSignature);
  if (!/SGX PCK (Processor|Platform) CA/.test(authority.subject.commonName)) {
    throw outOfRole(authority, "issued a PCK certificate, and is no PCK CA");
  }
  return { path, authority, identity: readPlatformIdentity(pck) };
}

/**
 * Throws unless a leaf has the name and key usage of its role. Without this a key made for one thing
 * could vouch for another: a PCK's owner could sign TCB info for itself.
 */
export function requireRole(certificate: Certificate, name: string, usage: number): void {
  if (!certificate.subject.commonName.includes(name)) {
    throw outOfRole(certificate, `is no "${name}"`);
  }
  if (certificate.authority) throw outOfRole(certificate, "is an authority");
  if (certificate.keyUsage?.(usage) !== true) {
    throw outOfRole(certificate, "its key usage does not include signatures");
  }
}

/** A certificate that does what its kind may not. */
export function outOfRole(certificate: Certificate, reason: string) {
  return attestError(
    "ATTEST_CERTIFICATE",
    `check certificate \`${certificate.subject.commonName}\``,
    reason,
  );
}

/** For types 1-3: the PCK must be one of the platform that the quote names. */
export function requireNamedPlatform(
  certification: Certification,
  identity: PlatformIdentity,
): void {
  if (certification.type > 3 || !("ppid" in certification)) return;
  const refuse = (reason: string) =>
    attestError("ATTEST_MISMATCH", "compare PCK with quote", reason);
  if (!sameBytes(certification.pceId, identity.pceId)) {
    throw refuse(`PCEID ${toHex(identity.pceId)}, the quote says ${toHex(certification.pceId)}`);
  }
  if (identity.tcb.pceSvn > certification.pceSvn) {
    throw refuse(`PCESVN ${identity.tcb.pceSvn} above the quote's ${certification.pceSvn}`);
  }
  if (certification.type === 1 && !sameBytes(certification.ppid, identity.ppid)) {
    throw refuse(`PPID ${toHex(identity.ppid)}, the quote says ${toHex(certification.ppid)}`);
  }
}
