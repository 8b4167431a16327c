// SPDX-License-Identifier: Apache-2.0
import { toHex } from "../../sgx/bytes.ts";
import { type DerReader, enterOnly, TAG } from "../der/reader.ts";
import { readOid } from "../der/values.ts";
import { formatError } from "../error.ts";

/**
 * A distinguished name. Compared by its bytes: RFC 5280 (7.1) allows more, but Intel's issuers copy
 * theirs, and folding cases would let a name pass for another.
 */
export type Name = {
  readonly der: Uint8Array;
  /** Hexadecimal of `der`, for comparing. */
  readonly id: string;
  /** The last CN; empty if there is none. */
  readonly commonName: string;
  /** "CN=Intel SGX Root CA, O=Intel Corporation": for people. */
  readonly text: string;
};

const SHORT: Readonly<Record<string, string>> = {
  "2.5.4.3": "CN",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
};
const STRINGS: readonly number[] = [
  TAG.utf8String,
  TAG.printableString,
  TAG.ia5String,
  TAG.t61String,
];

/** Reads a Name (RFC 5280, 4.1.2.4). */
export function readName(reader: DerReader): Name {
  const { whole } = reader.next(TAG.sequence);
  const names = enterOnly(whole, TAG.sequence, reader.what);
  const parts: string[] = [];
  let commonName = "";
  while (!names.atEnd()) {
    const set = names.enter(TAG.set);
    do {
      const attribute = set.enter(TAG.sequence);
      const type = readOid(attribute);
      const { tag, content } = attribute.any();
      attribute.finish();
      const value = STRINGS.includes(tag) ? decode(content, reader.what) : `#${toHex(content)}`;
      if (type === "2.5.4.3") commonName = value;
      parts.push(`${SHORT[type] ?? type}=${value}`);
    } while (!set.atEnd());
  }
  return { der: whole, id: toHex(whole), commonName, text: parts.join(", ") };
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function decode(bytes: Uint8Array, what: string): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw formatError(what, "name that is not UTF-8");
  }
}
