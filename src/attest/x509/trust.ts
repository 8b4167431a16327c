// SPDX-License-Identifier: Apache-2.0
/**
 * Trust anchors: a name and a key, no certificate. Intel's SGX root exists as two certificates (to
 * 2033 and to 2049) of one key, so that comparing certificates would refuse half of all quotes.
 */
import { toHex } from "../../sgx/bytes.ts";
import type { Certificate } from "./certificate.ts";
import { type PublicKey, p256Key } from "./keys.ts";

export type TrustAnchor = {
  /** Hexadecimal of the subject's DER. */
  readonly subjectId: string;
  readonly publicKey: PublicKey;
  /** For people. */
  readonly name: string;
};

/** "Intel SGX Root CA": signs everything about ECDSA quotes of SGX and TDX. */
export const INTEL_SGX_ROOT: TrustAnchor = {
  subjectId:
    "3068311a301806035504030c11496e74656c2053475820526f6f74204341311a3018060355040a0c11496e74656c20436f72706f726174696f6e3114301206035504070c0b53616e746120436c617261310b300906035504080c024341310b3009060355040613025553",
  publicKey: p256Key(
    Buffer.from(
      "0ba9c4c0c0c86193a3fe23d6b02cda10a8bbd4e88e48b4458561a36e705525f567918e2edc88e40d860bd0cc4ee26aacc988e505a953558c453f6b0904ae7394",
      "hex",
    ),
  ),
  name: "Intel SGX Root CA",
};

/** "Intel SGX Attestation Report Signing CA": signed the key of Intel's EPID service. */
export const INTEL_IAS_ROOT: TrustAnchor = {
  subjectId:
    "307e310b3009060355040613025553310b300906035504080c0243413114301206035504070c0b53616e746120436c617261311a3018060355040a0c11496e74656c20436f72706f726174696f6e3130302e06035504030c27496e74656c20534758204174746573746174696f6e205265706f7274205369676e696e67204341",
  publicKey: {
    kind: "RSA",
    spki: Uint8Array.from(
      Buffer.from(
        "MIIBojANBgkqhkiG9w0BAQEFAAOCAY8AMIIBigKCAYEAnzxkfrV3PLtRLScywNdBXrtVoPqe3i5kkZnmgh25ENUxdzcJd0Zqal5HhszS3evUFJ1qL2MlUp3RDMmHN7B3nBoH4pxHoa4ASUhHbEifRaWhXXrI7MasxkWttD2HZ531nAk7xaLpaWxUeFQbl551S1c5FL5V0y/0wJ3fJyGZNM2ZBSez+S7Xj78pJGq+y3EkDvOcLXEHtEdUWn/7EOsGCmiphYAhnjaRCVJoOJLWpeKoCAMZPkB1MUBONrMVYjeZqoJQdECXVKLf6PWv1f5jHh/CrzgIkG8op5DZ3Z/gYJObEleQxYBdA331aplTG5bead4z7SJswSB9EEK1yat/QE/HEcD+R2n7lXix3A7EaeoaJeD/mRSIbvJpmyNbtIR91v9AtgbmFweTwvuYsxRYf5z9JXNi3+qxCzvS2XZzoaS9RMRTqvR/wfLT0POE90oG+JwInw2mzbf87ujJghqOVPJcBBbRjEaDml+AEvvdPcdNJWJ5rcLA1Vr/bwYiQl0bAgMBAAE=",
        "base64",
      ),
    ),
  },
  name: "Intel SGX Attestation Report Signing CA",
};

/** A root certificate as trust anchor. Its dates and signature do not matter: trust is in the key. */
export function trustAnchorOf(root: Certificate): TrustAnchor {
  return {
    subjectId: root.subject.id,
    publicKey: root.publicKey,
    name: root.subject.commonName || root.subject.text,
  };
}

/** The anchor that has a certificate's name and key. */
export function anchorWith(
  anchors: readonly TrustAnchor[],
  certificate: Certificate,
): TrustAnchor | undefined {
  const key = toHex(certificate.publicKey.spki);
  return anchors.find(
    (anchor) => anchor.subjectId === certificate.subject.id && toHex(anchor.publicKey.spki) === key,
  );
}
