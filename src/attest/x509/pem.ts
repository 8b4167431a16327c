// SPDX-License-Identifier: Apache-2.0
/**
 * PEM (RFC 7468), strictly: blocks of one kind, nothing but white space between them, canonical
 * base64. A lenient reader would let others append to what it shows as checked.
 */
import { formatError } from "../error.ts";

const LONGEST_PEM_CHARACTERS = 16 << 20;

/** The DER of every block labelled `label`, in the order of the text; at least one, at most `most`. */
export function pemBlocks(text: string, label: string, what: string, most: number): Uint8Array[] {
  if (text.length > LONGEST_PEM_CHARACTERS) throw formatError(what, "more than 16 MiB of PEM");
  const begin = `-----BEGIN ${label}-----`;
  const end = `-----END ${label}-----`;
  const blocks: Uint8Array[] = [];
  let rest = text;
  while (!/^[\s\0]*$/.test(rest)) {
    const from = rest.indexOf(begin);
    const to = rest.indexOf(end, from + begin.length);
    if (from < 0 || to < 0) throw formatError(what, `no PEM block ${begin}`);
    if (!/^\s*$/.test(rest.slice(0, from))) {
      throw formatError(what, "text before or between PEM blocks");
    }
    if (blocks.length === most) throw formatError(what, `more than ${most} PEM blocks`);
    blocks.push(base64Lines(rest.slice(from + begin.length, to), what));
    rest = rest.slice(to + end.length);
  }
  if (blocks.length === 0) throw formatError(what, `no PEM block ${begin}`);
  return blocks;
}

function base64Lines(body: string, what: string): Uint8Array {
  const lines = /^\r?\n((?:[A-Za-z0-9+/]{1,76}\r?\n)*)([A-Za-z0-9+/]{1,76}={0,2})\r?\n$/.exec(body);
  if (lines === null) throw formatError(what, "PEM block that is not lines of base64");
  return canonicalBase64(body.replace(/[\r\n]/g, ""), what);
}

/** Decodes base64 that is exactly what an encoder writes: padding, no stray bits. */
export function canonicalBase64(text: string, what: string): Uint8Array {
  const bytes = Buffer.from(text, "base64");
  if (text.length % 4 !== 0 || bytes.toString("base64") !== text) {
    throw formatError(what, "base64 that is not canonical");
  }
  return new Uint8Array(bytes);
}

/** `bytes` as one PEM block, lines of 64 characters. */
export function toPem(bytes: Uint8Array, label: string): string {
  const lines =
    Buffer.from(bytes)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
