// SPDX-License-Identifier: Apache-2.0
/** TCB info and QE identity: signed by Intel's TCB signing certificate, and of now. */

import { missing } from "../collateral/collateral.ts";
import type { SignedJson } from "../collateral/signed-json.ts";
import { attestError } from "../error.ts";
import { type Certificate, KEY_USAGE } from "../x509/certificate.ts";
import { type CertificateStore, checkPath, type Path } from "../x509/chain.ts";
import { isSignedBy } from "../x509/keys.ts";
import type { TrustAnchor } from "../x509/trust.ts";
import { requireRole } from "./pck.ts";

const ROLE = "SGX TCB Signing";

/**
 * Checks the signature over a piece of collateral and returns its signer's path, which must end at
 * the root of the PCK: whoever trusts a second root, such as a test's, does not let that speak about
 * platforms of the first. Intel reissued the
 * certificate in 2025, so there may be two; the one whose key fits is meant.
 */
export function verifyTcbSignature(
  piece: SignedJson,
  what: string,
  store: CertificateStore,
  root: TrustAnchor,
  at: number,
): Path {
  const doing = `check signature of ${what}`;
  const candidates = store.all.filter(({ subject }) => subject.commonName.includes(ROLE));
  if (candidates.length === 0) throw missing(`the "${ROLE}" certificate`);
  const signed = new TextEncoder().encode(piece.text);
  const signature = { kind: "P-256", value: piece.signature } as const;
  const fitting = candidates.filter(({ publicKey }) => isSignedBy(publicKey, signed, signature));
  const signer = fitting.find((one) => isValid(one, at)) ?? fitting[0];
  if (signer === undefined) {
    throw attestError(
      "ATTEST_SIGNATURE",
      doing,
      `the signature is not that of ${candidates.map(({ subject }) => subject.commonName).join(" or ")}`,
    );
  }
  const path = store.pathOf(signer);
  checkPath(path, at);
  requireRole(signer, ROLE, KEY_USAGE.digitalSignature);
  if (path.root !== root) {
    throw attestError(
      "ATTEST_CERTIFICATE",
      doing,
      `its signer's root is ${path.root.name}, that of the PCK ${root.name}`,
    );
  }
  // Directly below the root: a PCK CA must not be able to say which platforms are good.
  if (path.root.subjectId !== signer.issuer.id) {
    throw attestError(
      "ATTEST_CERTIFICATE",
      doing,
      "its signer was not certified by the root itself",
    );
  }
  return path;
}

function isValid({ notBefore, notAfter }: Certificate, at: number): boolean {
  return notBefore <= at && at <= notAfter;
}
