// SPDX-License-Identifier: Apache-2.0
/** Certificate revocation lists (RFC 5280, section 5). */
import { toHex } from "../../sgx/bytes.ts";
import { derReader, enterOnly, explicitTag, TAG } from "../der/reader.ts";
import { readSmall, readTime, readUnsigned } from "../der/values.ts";
import { formatError } from "../error.ts";
import { readExtensions } from "./extensions.ts";
import { readSignature, readSignatureKind, type Signature } from "./keys.ts";
import { type Name, readName } from "./name.ts";
import { pemBlocks } from "./pem.ts";

export type Crl = {
  readonly signed: Uint8Array;
  readonly signature: Signature;
  readonly issuer: Name;
  /** Milliseconds since 1970, both inclusive. */
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  /** cRLNumber, if there is one. */
  readonly number: bigint | undefined;
  /** Serial number in hexadecimal, without leading zeros, to the time of revocation. */
  readonly revoked: ReadonlyMap<string, number>;
};

const CRL_NUMBER = "2.5.29.20";
/**
 * No critical extension is understood: a delta list or one with an issuing distribution point does
 * not say of every certificate whether it is revoked.
 */
const UNDERSTOOD: ReadonlySet<string> = new Set();

export function parseCrl(der: Uint8Array, what = "CRL"): Crl {
  const outer = enterOnly(der, TAG.sequence, what);
  const signed = outer.next(TAG.sequence).whole;
  const kind = readSignatureKind(outer);
  const signature = readSignature(outer, kind);
  outer.finish();

  const fields = enterOnly(signed, TAG.sequence, what);
  if (readSmall(fields, 0xff) !== 1) throw formatError(what, "not a version 2 CRL");
  if (readSignatureKind(fields) !== kind) throw formatError(what, "two signature algorithms");
  const issuer = readName(fields);
  const thisUpdate = readTime(fields);
  const nextUpdate = readTime(fields);
  const revoked = new Map<string, number>();
  if (fields.peek() === TAG.sequence) {
    const list = fields.enter(TAG.sequence);
    while (!list.atEnd()) {
      const entry = list.enter(TAG.sequence);
      const serial = toHex(readUnsigned(entry));
      revoked.set(serial, readTime(entry));
      // A certificate issuer here would make this an indirect list; it is critical by definition.
      if (!entry.atEnd()) readExtensions(entry, UNDERSTOOD);
    }
  }
  const wrapped = fields.optional(explicitTag(0));
  const number = wrapped === undefined ? undefined : readNumber(wrapped.content, what);
  fields.finish();
  return { signed, signature, issuer, thisUpdate, nextUpdate, number, revoked };
}

function readNumber(content: Uint8Array, what: string): bigint | undefined {
  const extension = readExtensions(derReader(content, what), UNDERSTOOD).get(CRL_NUMBER);
  if (extension === undefined) return undefined;
  const reader = derReader(extension.value, what);
  const number = BigInt(`0x${toHex(readUnsigned(reader))}`);
  reader.finish();
  return number;
}

/** A CRL as services give it out: DER, PEM, or (PCCS) hexadecimal text of the DER. */
export function crlBytes(file: Uint8Array, what = "CRL"): Uint8Array {
  if (file[0] === TAG.sequence) {
    // 0x30 is also the digit 0, but no hexadecimal DER starts with 0.
    return file;
  }
  const text = Buffer.from(file).toString("latin1");
  const digits = /^\s*((?:[0-9a-fA-F]{2})+)\s*$/.exec(text)?.[1];
  if (digits !== undefined) return new Uint8Array(Buffer.from(digits, "hex"));
  const [der] = pemBlocks(text, "X509 CRL", what, 1);
  return der ?? file;
}
