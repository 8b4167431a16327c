// SPDX-License-Identifier: Apache-2.0
/**
 * Walks DER (X.690, section 10 and 11), strictly: every value has one encoding, so two readers can
 * not see two things in the same signed bytes. Lengths are definite, minimal and inside their
 * parent; tags are one byte; what a reader is done with must be used up.
 */
import { formatError } from "../error.ts";

/** Tags that certificates and CRLs use. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  printableString: 0x13,
  t61String: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** A context-specific tag that wraps other values: `[n]`. */
export function explicitTag(number: number): number {
  return 0xa0 | number;
}

export type DerElement = {
  readonly tag: number;
  readonly content: Uint8Array;
  /** Tag, length and content: what a signature over this element covers. */
  readonly whole: Uint8Array;
};

export type DerReader = {
  readonly what: string;
  atEnd(): boolean;
  /** The next tag without reading on; undefined at the end. */
  peek(): number | undefined;
  /** The next element, whatever it is. */
  any(): DerElement;
  /** The next element, which must have this tag. */
  next(tag: number): DerElement;
  /** The next element if it has this tag. */
  optional(tag: number): DerElement | undefined;
  /** The elements inside the next one, which must have this tag. */
  enter(tag: number): DerReader;
  /** Throws if anything is left: a trailing byte would be outside everybody's view. */
  finish(): void;
};

/** Longest object taken; Intel's largest CRLs are a few hundred kilobytes. */
export const LONGEST_DER_BYTES = 8 << 20;

/** Reads the elements of `bytes` one after another. `what` names them in errors. */
export function derReader(bytes: Uint8Array, what: string): DerReader {
  if (bytes.length > LONGEST_DER_BYTES) {
    throw formatError(what, `${bytes.length} bytes, more than ${LONGEST_DER_BYTES}`);
  }
  let at = 0;

  function any(): DerElement {
    const start = at;
    const tag = bytes[at];
    const first = bytes[at + 1];
    if (tag === undefined || first === undefined) throw formatError(what, "ends too early");
    // Tag numbers above 30 take more bytes; nothing here has one.
    if ((tag & 0x1f) === 0x1f) throw formatError(what, `tag 0x${hex(tag)} has several bytes`);
    at += 2;
    const length = first < 0x80 ? first : longLength(first & 0x7f);
    if (length > bytes.length - at) {
      throw formatError(what, `an element of ${length} bytes where ${bytes.length - at} are left`);
    }
    const content = bytes.subarray(at, at + length);
    at += length;
    return { tag, content, whole: bytes.subarray(start, at) };
  }

  function longLength(count: number): number {
    // 0x80 is BER's indefinite length, 0xff is reserved.
    if (count === 0 || count > 4) throw formatError(what, `length in ${count} bytes`);
    if (count > bytes.length - at) throw formatError(what, "ends within a length");
    let length = 0;
    for (let index = 0; index < count; index++) length = length * 256 + (bytes[at + index] ?? 0);
    if (length < 0x80 || length < 2 ** (8 * (count - 1))) {
      throw formatError(what, `length ${length} in more bytes than it needs`);
    }
    at += count;
    return length;
  }

  function next(tag: number): DerElement {
    const found = bytes[at];
    if (found !== tag) {
      const got = found === undefined ? "the end" : `tag 0x${hex(found)}`;
      throw formatError(what, `expected tag 0x${hex(tag)}, got ${got}`);
    }
    return any();
  }

  return {
    what,
    atEnd: () => at === bytes.length,
    peek: () => bytes[at],
    any,
    next,
    optional: (tag) => (bytes[at] === tag ? any() : undefined),
    enter: (tag) => derReader(next(tag).content, what),
    finish() {
      if (at < bytes.length) throw formatError(what, `${bytes.length - at} bytes too many`);
    },
  };
}

/** The one element that `bytes` must be, entered. */
export function enterOnly(bytes: Uint8Array, tag: number, what: string): DerReader {
  const outer = derReader(bytes, what);
  const inner = outer.enter(tag);
  outer.finish();
  return inner;
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}
