// SPDX-License-Identifier: Apache-2.0
/** What `rune install` has changed, for `rune uninstall`. */
import type { ConfigFiles } from "./config-files.ts";
import type { EngineName } from "./engine.ts";
import { engineFault, parseJson } from "./json-document.ts";
import { isTable } from "./toml-edit.ts";

export const recordPath = "/etc/inclavare-containers/install.json";

/** Counts up when a field changes its meaning. */
const schema = 1;

export type Change = {
  readonly engine: EngineName;
  readonly path: string;
  /** What the engine knows the runtime by. */
  readonly name: string;
  /** SHA-256 of what was written, and of what was there before; absent: there was no file. */
  readonly after: string;
  readonly before?: string;
  /** Path of the copy of what was there before. */
  readonly backup?: string;
  /** Directories that were made for it, the outermost first. */
  readonly folders: readonly string[];
};

export type Install = {
  readonly changes: readonly Change[];
  /** Made for the record. */
  readonly folders: readonly string[];
};

export function readRecord(files: ConfigFiles): Install {
  const text = files.read(recordPath);
  if (text === undefined) return { changes: [], folders: [] };
  const { value } = parseJson(text, recordPath);
  const found: Fields<Install & { readonly schema: unknown }> = isTable(value) ? value : {};
  if (found.schema !== schema) {
    throw engineFault(
      recordPath,
      `it has schema \`${found.schema}\`, and this rune understands ${schema}`,
      "use the rune that wrote it",
    );
  }
  const { changes, folders } = found;
  if (!Array.isArray(changes) || !changes.every(isChange) || !isTexts(folders)) {
    throw engineFault(
      recordPath,
      "fields are missing",
      "remove the file, and rune's parts by hand",
    );
  }
  return { changes, folders };
}

/** What may be there, of any type. */
type Fields<T> = { readonly [K in keyof T]?: unknown };

function isChange(value: unknown): value is Change {
  if (!isTable(value)) return false;
  const { engine, path, name, after, before = "", backup = "", folders }: Fields<Change> = value;
  return isTexts([engine, path, name, after, before, backup]) && isTexts(folders);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

/** Removes the record with the last change. */
export function writeRecord(files: ConfigFiles, { changes, folders }: Install): void {
  if (changes.length === 0) {
    files.remove(recordPath);
    for (const folder of folders.toReversed()) files.removeFolder(folder);
    return;
  }
  const text = (made: readonly string[]) =>
    `${JSON.stringify({ schema, changes, folders: made }, null, 2)}\n`;
  const made = files.write(recordPath, text(folders));
  if (made.length > 0) files.write(recordPath, text([...folders, ...made]));
}

export function sha256(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("hex");
}
