// SPDX-License-Identifier: Apache-2.0
/** Keys that issue evidence, wherever they come from. */
import type { KeyKind } from "../x509/keys.ts";
import { pointOf } from "../x509/keys.ts";

export type IssuerKey = {
  readonly kind: KeyKind;
  /** DER of SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  /** Over SHA-256 of the bytes: r || s of P-256, the PKCS #1 v1.5 block of RSA. */
  readonly sign: (bytes: Uint8Array) => Uint8Array;
};

/** x || y. Precondition: a P-256 key. */
export function pointBytes({ spki }: IssuerKey): Uint8Array {
  return pointOf({ kind: "P-256", spki });
}
