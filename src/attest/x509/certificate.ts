// SPDX-License-Identifier: Apache-2.0
/** X.509 version 3 certificates (RFC 5280), as far as Intel's attestation needs them. */
import { toHex } from "../../sgx/bytes.ts";
import { derReader, enterOnly, explicitTag, TAG } from "../der/reader.ts";
import { readBoolean, readNamedBits, readSmall, readTime, readUnsigned } from "../der/values.ts";
import { formatError } from "../error.ts";
import { type Extension, readExtensions } from "./extensions.ts";
import {
  type PublicKey,
  readPublicKey,
  readSignature,
  readSignatureKind,
  type Signature,
} from "./keys.ts";
import { type Name, readName } from "./name.ts";
import { pemBlocks } from "./pem.ts";

export type Certificate = {
  readonly der: Uint8Array;
  /** What the issuer signed. */
  readonly signed: Uint8Array;
  readonly signature: Signature;
  /** Hexadecimal, without leading zeros. */
  readonly serial: string;
  readonly issuer: Name;
  readonly subject: Name;
  /** Milliseconds since 1970, both inclusive. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly publicKey: PublicKey;
  readonly authority: boolean;
  /** How many authorities may follow below; undefined: any number. */
  readonly pathLength: number | undefined;
  /** undefined: the certificate does not restrict its key. */
  readonly keyUsage: ((bit: number) => boolean) | undefined;
  readonly extensions: ReadonlyMap<string, Extension>;
};

/** Bits of the key usage extension (RFC 5280, 4.2.1.3). */
export const KEY_USAGE = { digitalSignature: 0, keyCertSign: 5, cRLSign: 6 } as const;

const BASIC_CONSTRAINTS = "2.5.29.19";
const KEY_USAGE_OID = "2.5.29.15";
/** Critical extensions whose meaning is honoured; a certificate with another is refused (4.2). */
const UNDERSTOOD: ReadonlySet<string> = new Set([BASIC_CONSTRAINTS, KEY_USAGE_OID]);

const LONGEST_CHAIN = 8;

export function parseCertificate(der: Uint8Array, what = "certificate"): Certificate {
  const outer = enterOnly(der, TAG.sequence, what);
  const signed = outer.next(TAG.sequence).whole;
  const kind = readSignatureKind(outer);
  const signature = readSignature(outer, kind);
  outer.finish();

  const fields = enterOnly(signed, TAG.sequence, what);
  const version = fields.enter(explicitTag(0));
  if (readSmall(version, 0xff) !== 2) throw formatError(what, "not a version 3 certificate");
  version.finish();
  const serial = readUnsigned(fields);
  if (serial.length > 20) throw formatError(what, `serial number of ${serial.length} bytes`);
  // Unsigned outside, signed inside: a difference would be somebody's change.
  if (readSignatureKind(fields) !== kind) throw formatError(what, "two signature algorithms");
  const issuer = readName(fields);
  const validity = fields.enter(TAG.sequence);
  const notBefore = readTime(validity);
  const notAfter = readTime(validity);
  validity.finish();
  const subject = readName(fields);
  const publicKey = readPublicKey(fields);
  const wrapped = fields.optional(explicitTag(3));
  const extensions: ReadonlyMap<string, Extension> =
    wrapped === undefined
      ? new Map()
      : readExtensions(derReader(wrapped.content, what), UNDERSTOOD);
  fields.finish();
  return {
    der,
    signed,
    signature,
    serial: toHex(serial),
    issuer,
    subject,
    notBefore,
    notAfter,
    publicKey,
    ...readBasicConstraints(extensions, what),
    keyUsage: readKeyUsage(extensions, what),
    extensions,
  };
}

function readBasicConstraints(
  extensions: ReadonlyMap<string, Extension>,
  what: string,
): Pick<Certificate, "authority" | "pathLength"> {
  const extension = extensions.get(BASIC_CONSTRAINTS);
  if (extension === undefined) return { authority: false, pathLength: undefined };
  const fields = enterOnly(extension.value, TAG.sequence, what);
  const authority = fields.peek() === TAG.boolean && readBoolean(fields);
  const pathLength = fields.peek() === TAG.integer ? readSmall(fields, 0xff) : undefined;
  fields.finish();
  if (pathLength !== undefined && !authority) throw formatError(what, "path length without CA");
  return { authority, pathLength };
}

function readKeyUsage(
  extensions: ReadonlyMap<string, Extension>,
  what: string,
): ((bit: number) => boolean) | undefined {
  const extension = extensions.get(KEY_USAGE_OID);
  if (extension === undefined) return undefined;
  const reader = derReader(extension.value, what);
  const bits = readNamedBits(reader);
  reader.finish();
  return bits;
}

/** The certificates of PEM text in its order, which says nothing about who issued whom. */
export function parseCertificates(pem: string, what: string): Certificate[] {
  return pemBlocks(pem, "CERTIFICATE", what, LONGEST_CHAIN).map((der) =>
    parseCertificate(der, what),
  );
}
