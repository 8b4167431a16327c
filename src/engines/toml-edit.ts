// SPDX-License-Identifier: Apache-2.0
/**
 * Adds a block to a TOML document, and takes it out again; comments and order of what is there stay.
 * The block stands between two comments, so that it is found again after others' edits.
 */
import { parse } from "smol-toml";
import { syntaxReason } from "../errors/syntax-reason.ts";
import { engineFault } from "./json-document.ts";

export type TomlTable = Readonly<Record<string, unknown>>;

const begin = "# rune: begin, written by `rune install`";
const end = "# rune: end, `rune uninstall` removes this block";

/** @throws RuneError ENGINE_CONFIG with line and column */
export function parseToml(text: string, path: string): TomlTable {
  try {
    return parse(text);
  } catch (error) {
    throw engineFault(path, syntaxReason(error));
  }
}

/**
 * The document with the block at its end or where `at` says, which is the beginning of a line, or in
 * place of the one that an earlier call has put there.
 * @throws RuneError ENGINE_CONFIG where the document cannot be added to
 */
export function withBlock(text: string, path: string, block: string, at?: number): string {
  const marked = `${begin}\n${block.trimEnd()}\n${end}\n`;
  const found = findBlock(text, path);
  const edited = inserted(
    text,
    marked,
    found ?? { start: at ?? text.length, end: at ?? text.length },
  );
  requireSame(text, edited, path, found !== undefined);
  return edited;
}

function inserted(
  text: string,
  marked: string,
  { start, end }: { start: number; end: number },
): string {
  const before = text.slice(0, start);
  const ended = before === "" || before.endsWith("\n") ? before : `${before}\n`;
  // A block of its own at the end stands apart.
  const apart = start === text.length ? separator(ended) : "";
  return `${ended}${apart}${marked}${text.slice(end)}`;
}

/** Undefined: there is no such block. */
export function withoutBlock(text: string, path: string): string | undefined {
  const found = findBlock(text, path);
  if (found === undefined) return undefined;
  const before = text.slice(0, found.start);
  const after = text.slice(found.end);
  // The empty line in front of it was its own.
  return before.endsWith("\n\n") && after === "" ? before.slice(0, -1) + after : before + after;
}

function separator(text: string): string {
  return text === "" || text.endsWith("\n\n") ? "" : "\n";
}

function findBlock(text: string, path: string): { start: number; end: number } | undefined {
  const start = lineStart(text, begin);
  const last = lineStart(text, end);
  if (start < 0 && last < 0) return undefined;
  if (start >= 0 && last > start && lineStart(text, begin, start + 1) < 0) {
    const newline = text.indexOf("\n", last);
    return { start, end: newline < 0 ? text.length : newline + 1 };
  }
  const reason = `of the comments \`${begin}\` and \`${end}\` one is missing, or there are several`;
  throw engineFault(path, reason, "remove what `rune install` wrote, and the comments, by hand");
}

function lineStart(text: string, line: string, from = 0): number {
  if (from === 0 && text.startsWith(line)) return 0;
  const at = text.indexOf(`\n${line}`, Math.max(from - 1, 0));
  return at < 0 ? -1 : at + 1;
}

/** The edited document says all that the other did: a table in one line cannot be added to below, for one. */
function requireSame(text: string, edited: string, path: string, replaces: boolean): void {
  const before = parseToml(text, path);
  let after: TomlTable;
  try {
    after = parse(edited);
  } catch (error) {
    throw engineFault(
      path,
      `it cannot be added to at its end: ${syntaxReason(error)}`,
      "a table that is written in one line, or is there already, has to be changed by hand",
    );
  }
  if (replaces || holds(after, before)) return;
  throw engineFault(path, "adding to it would change what it says", "change it by hand");
}

function holds(whole: unknown, part: unknown): boolean {
  if (!isTable(part)) return Bun.deepEquals(whole, part);
  return isTable(whole) && Object.entries(part).every(([key, value]) => holds(whole[key], value));
}

export function isTable(value: unknown): value is TomlTable {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date)
  );
}

/** The table at a path of keys; undefined where there is none. */
export function tableAt(document: TomlTable, keys: readonly string[]): TomlTable | undefined {
  let at: unknown = document;
  for (const key of keys) {
    if (!isTable(at)) return undefined;
    at = at[key];
  }
  return isTable(at) ? at : undefined;
}
