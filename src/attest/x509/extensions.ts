// SPDX-License-Identifier: Apache-2.0
import { type DerReader, TAG } from "../der/reader.ts";
import { readBoolean, readOid } from "../der/values.ts";
import { formatError } from "../error.ts";

export type Extension = { readonly critical: boolean; readonly value: Uint8Array };

const MOST_EXTENSIONS = 32;

/**
 * Reads Extensions (RFC 5280, 4.1.2.9) to the end of `reader`. An extension may occur once: of two,
 * one reader would honour the first and another the last. A critical one must be in `understood`.
 */
export function readExtensions(
  reader: DerReader,
  understood: ReadonlySet<string>,
): ReadonlyMap<string, Extension> {
  const list = reader.enter(TAG.sequence);
  reader.finish();
  const extensions = new Map<string, Extension>();
  while (!list.atEnd()) {
    const fields = list.enter(TAG.sequence);
    const oid = readOid(fields);
    const critical = fields.peek() === TAG.boolean && readBoolean(fields);
    const { content } = fields.next(TAG.octetString);
    fields.finish();
    if (extensions.has(oid)) throw formatError(reader.what, `extension ${oid} twice`);
    if (critical && !understood.has(oid)) {
      throw formatError(reader.what, `critical extension ${oid} is not understood`);
    }
    if (extensions.size === MOST_EXTENSIONS) {
      throw formatError(reader.what, `more than ${MOST_EXTENSIONS} extensions`);
    }
    extensions.set(oid, { critical, value: content });
  }
  return extensions;
}
