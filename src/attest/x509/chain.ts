// SPDX-License-Identifier: Apache-2.0
/**
 * Who issued whom. Certificates come in any order (leaf, root, intermediate is one that quotes of
 * 2020 have), so each is linked to its issuer by name and signature, and paths follow the links.
 */
import { toHex } from "../../sgx/bytes.ts";
import { attestError } from "../error.ts";
import { type Certificate, KEY_USAGE } from "./certificate.ts";
import { isSignedBy } from "./keys.ts";
import { anchorWith, type TrustAnchor } from "./trust.ts";

export type Path = {
  /** A certificate, its issuer, ..., up to the root's own or, if that was not given, the one below. */
  readonly certificates: readonly [Certificate, ...Certificate[]];
  readonly root: TrustAnchor;
};

export type CertificateStore = {
  /** All certificates, each once. */
  readonly all: readonly Certificate[];
  /** The path from a certificate of the store to an anchor. Dates and roles are not looked at. */
  pathOf(leaf: Certificate): Path;
};

const LONGEST_PATH = 4;
const MOST_CERTIFICATES = 16;

/**
 * Links certificates. Throws if one of them has no issuer among the others and the anchors: a
 * foreign certificate has no business beside genuine ones, and a changed one is not to be ignored.
 * Of several issuers that fit, as with the two certificates of Intel's root, one valid `at` the time
 * is preferred.
 */
export function linkCertificates(
  certificates: readonly Certificate[],
  anchors: readonly TrustAnchor[],
  at: number,
): CertificateStore {
  const unique = new Map(certificates.map((certificate) => [toHex(certificate.der), certificate]));
  const all = [...unique.values()];
  if (all.length > MOST_CERTIFICATES) {
    throw attestError(
      "ATTEST_CERTIFICATE",
      "link certificates",
      `${all.length} certificates, more than ${MOST_CERTIFICATES}`,
    );
  }
  const issuers = new Map(
    all.map((certificate) => [certificate, issuerOf(certificate, all, anchors, at)]),
  );
  return {
    all,
    pathOf(leaf) {
      const path: [Certificate, ...Certificate[]] = [leaf];
      let step = issuers.get(leaf);
      while (step !== undefined && "der" in step) {
        // Two authorities may have certified each other.
        if (path.length === LONGEST_PATH) {
          throw refused(leaf, `no path of at most ${LONGEST_PATH} certificates to a trusted root`);
        }
        path.push(step);
        step = issuers.get(step);
      }
      if (step === undefined) throw refused(leaf, "is not among the linked certificates");
      return { certificates: path, root: step };
    },
  };
}

function issuerOf(
  certificate: Certificate,
  all: readonly Certificate[],
  anchors: readonly TrustAnchor[],
  at: number,
): Certificate | TrustAnchor {
  const { signed, signature, issuer } = certificate;
  const own = anchorWith(anchors, certificate);
  if (own !== undefined && issuer.id === certificate.subject.id) {
    // Trust in the key is not trust in what else such a certificate says.
    if (isSignedBy(certificate.publicKey, signed, signature)) return own;
    throw refused(certificate, "has a trusted root's key and name, but is not signed with it");
  }
  const named = all.filter((other) => other !== certificate && other.subject.id === issuer.id);
  const valid = named.filter((other) => other.notBefore <= at && at <= other.notAfter);
  for (const other of [...valid, ...named.filter((one) => !valid.includes(one))]) {
    if (isSignedBy(other.publicKey, signed, signature)) return other;
  }
  for (const anchor of anchors) {
    if (anchor.subjectId === issuer.id && isSignedBy(anchor.publicKey, signed, signature)) {
      return anchor;
    }
  }
  if (named.length > 0) throw refused(certificate, `its signature is not that of ${issuer.text}`);
  throw refused(
    certificate,
    issuer.id === certificate.subject.id
      ? `is self-signed and not trusted (trusted: ${anchors.map(({ name }) => name).join(", ")})`
      : `its issuer ${issuer.text} is neither given nor trusted`,
  );
}

/**
 * Checks what a path's certificates may do and when: authorities are authorities, may sign
 * certificates and have no more below them than they may; all are valid `at` the time.
 */
export function checkPath(path: Path, at: number): void {
  path.certificates.forEach((certificate, index) => {
    requireValid(certificate, at);
    if (index === 0) return;
    if (!certificate.authority) throw refused(certificate, "is no authority, and issued another");
    if (certificate.keyUsage?.(KEY_USAGE.keyCertSign) !== true) {
      throw refused(certificate, "its key usage does not include signing certificates");
    }
    const below = index - 1;
    if (certificate.pathLength !== undefined && certificate.pathLength < below) {
      throw refused(
        certificate,
        `${below} authorities below it, where its path length allows ${certificate.pathLength}`,
      );
    }
  });
}

function requireValid(certificate: Certificate, at: number): void {
  if (certificate.notBefore <= at && at <= certificate.notAfter) return;
  const bound =
    at < certificate.notBefore
      ? `is valid from ${isoTime(certificate.notBefore)}`
      : `was valid until ${isoTime(certificate.notAfter)}`;
  throw attestError(
    "ATTEST_TIME",
    `check certificate \`${certificate.subject.commonName}\``,
    `${bound}, the time of the check is ${isoTime(at)}`,
  );
}

/** "2026-11-28T03:56:08Z" */
export function isoTime(time: number): string {
  return new Date(time).toISOString().replace(/\.000Z$/, "Z");
}

function refused(certificate: Certificate, reason: string) {
  const subject = certificate.subject.commonName || certificate.subject.text;
  return attestError("ATTEST_CERTIFICATE", `check certificate \`${subject}\``, reason);
}
