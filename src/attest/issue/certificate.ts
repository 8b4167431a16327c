// SPDX-License-Identifier: Apache-2.0
/**
 * Certificates and CRLs as an authority writes them: that of the simulated platform, and that of the
 * tests, which writes wrong ones too.
 */
import * as der from "./der-writer.ts";
import type { IssuerKey } from "./key.ts";

export const ECDSA_SHA256 = der.sequence(der.oid("1.2.840.10045.4.3.2"));

export const RSA_SHA256 = der.sequence(der.oid("1.2.840.113549.1.1.11"), der.element(0x05));

export function distinguishedName(commonName: string, organization: string): Uint8Array {
  const attribute = (type: string, value: string) =>
    der.element(0x31, der.sequence(der.oid(type), der.utf8(value)));
  return der.sequence(attribute("2.5.4.3", commonName), attribute("2.5.4.10", organization));
}

export function extension(id: string, value: Uint8Array, critical = false): Uint8Array {
  return der.sequence(der.oid(id), ...(critical ? [der.boolean(true)] : []), der.octets(value));
}

/** keyCertSign and cRLSign; digitalSignature and nonRepudiation. */
export const AUTHORITY_USAGE = der.bits(Uint8Array.of(0x06), 1);
export const LEAF_USAGE = der.bits(Uint8Array.of(0xc0), 6);

export type CertificateFields = {
  readonly version: number;
  readonly serial: Uint8Array;
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly key: IssuerKey;
  readonly signer: IssuerKey;
  readonly authority: boolean;
  readonly pathLength: number | undefined;
  readonly usage: Uint8Array | undefined;
  readonly more: readonly Uint8Array[];
  /** Of the signature: ECDSA_SHA256 or RSA_SHA256. What is signed names the signer's kind. */
  readonly algorithm: Uint8Array;
};

export function certificate(fields: CertificateFields): Uint8Array {
  const constraints = der.sequence(
    ...(fields.authority ? [der.boolean(true)] : []),
    ...(fields.pathLength === undefined ? [] : [der.integer(fields.pathLength)]),
  );
  const tbs = der.sequence(
    der.element(0xa0, der.integer(fields.version)),
    der.unsigned(fields.serial),
    fields.signer.kind === "RSA" ? RSA_SHA256 : ECDSA_SHA256,
    fields.issuer,
    der.sequence(der.time(fields.notBefore), der.time(fields.notAfter)),
    fields.subject,
    fields.key.spki,
    der.element(
      0xa3,
      der.sequence(
        extension("2.5.29.19", constraints, true),
        ...(fields.usage === undefined ? [] : [extension("2.5.29.15", fields.usage, true)]),
        ...fields.more,
      ),
    ),
  );
  return signed(tbs, fields.signer, fields.algorithm);
}

export type CrlFields = {
  readonly issuer: Uint8Array;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly revoked: readonly Uint8Array[];
  readonly signer: IssuerKey;
  readonly more: readonly Uint8Array[];
};

export function crl(fields: CrlFields): Uint8Array {
  const entries = fields.revoked.map((serial) =>
    der.sequence(der.unsigned(serial), der.time(fields.thisUpdate)),
  );
  const tbs = der.sequence(
    der.integer(1),
    ECDSA_SHA256,
    fields.issuer,
    der.time(fields.thisUpdate),
    der.time(fields.nextUpdate),
    ...(entries.length > 0 ? [der.sequence(...entries)] : []),
    der.element(0xa0, der.sequence(extension("2.5.29.20", der.integer(1)), ...fields.more)),
  );
  return signed(tbs, fields.signer, ECDSA_SHA256);
}

function signed(tbs: Uint8Array, signer: IssuerKey, algorithm: Uint8Array): Uint8Array {
  const value = signer.sign(tbs);
  const signature =
    signer.kind === "RSA"
      ? value
      : der.sequence(der.unsigned(value.subarray(0, 32)), der.unsigned(value.subarray(32)));
  return der.sequence(tbs, algorithm, der.bits(signature));
}
