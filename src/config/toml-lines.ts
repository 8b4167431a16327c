// SPDX-License-Identifier: Apache-2.0
/**
 * On which line of a TOML document each key stands, for warnings: the parser does not tell. The document
 * has been parsed, so that it is well-formed; keys inside inline tables have no line of their own.
 */

const part = `(?:[A-Za-z0-9_-]+|"(?:[^"\\\\]|\\\\.)*"|'[^']*')`;
const dotted = `${part}(?:[ \\t]*\\.[ \\t]*${part})*`;
const header = new RegExp(`^\\s*\\[\\[?\\s*(${dotted})\\s*\\]\\]?`);
const assignment = new RegExp(`^\\s*(${dotted})\\s*=(.*)$`, "s");
const parts = new RegExp(part, "g");

/** Lines, from 1, by the key's path with dots: "runtime.platform", and that of each table. */
export function keyLines(text: string): ReadonlyMap<string, number> {
  const lines = new Map<string, number>();
  let table: string[] = [];
  let open: string | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    if (open !== undefined) {
      if (line.includes(open)) open = undefined;
      continue;
    }
    const [, named] = header.exec(line) ?? [];
    const [, key, value = ""] = assignment.exec(line) ?? [];
    if (named !== undefined) table = names(named);
    const path = named !== undefined ? table : key === undefined ? [] : [...table, ...names(key)];
    // A dotted key makes the tables on its way.
    for (let length = 1; length <= path.length; length++) {
      const prefix = path.slice(0, length).join(".");
      if (!lines.has(prefix)) lines.set(prefix, index + 1);
    }
    open = opened(value);
  }
  return lines;
}

function names(dotted: string): string[] {
  return (dotted.match(parts) ?? []).map((name) => name.replace(/^["']|["']$/g, ""));
}

/** The end that a text of several lines waits for, where the line begins one. */
function opened(value: string): string | undefined {
  const [, quote = ""] = /^\s*("""|''')/.exec(value) ?? [];
  if (quote === "") return undefined;
  return value.indexOf(quote, value.indexOf(quote) + 3) < 0 ? quote : undefined;
}
