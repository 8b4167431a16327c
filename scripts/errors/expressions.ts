// SPDX-License-Identifier: Apache-2.0
/** As much of TypeScript's syntax as finding an error's texts in a source file takes. */

const closers: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

/** The end of the string, template, comment or bracket that begins at `at`; `at + 1` of anything else. */
export function past(text: string, at: number): number {
  const character = text[at] ?? "";
  if (character === '"' || character === "'" || character === "`") return pastQuoted(text, at);
  if (text.startsWith("//", at)) return lineEnd(text, at);
  if (text.startsWith("/*", at)) return text.indexOf("*/", at) + 2;
  const closer = closers[character];
  return closer === undefined ? at + 1 : pastBracket(text, at, closer);
}

function pastQuoted(text: string, start: number): number {
  const quote = text[start];
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === quote) return at + 1;
    else if (quote === "`" && text.startsWith("${", at)) at = past(text, at + 1) - 1;
  }
  return text.length;
}

function pastBracket(text: string, start: number, closer: string): number {
  let at = start + 1;
  while (at < text.length && text[at] !== closer) at = past(text, at);
  return at + 1;
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  return end < 0 ? text.length : end;
}

/** What stands between commas in the brackets that begin at `open`, without comments. */
export function items(text: string, open: number): string[] {
  const end = past(text, open) - 1;
  const found: string[] = [];
  let item = "";
  for (let at = open + 1; at < end; ) {
    const next = past(text, at);
    if (text[at] === ",") {
      found.push(item.trim());
      item = "";
    } else if (!text.startsWith("//", at) && !text.startsWith("/*", at)) {
      item += text.slice(at, next);
    }
    at = next;
  }
  return [...found, item.trim()].filter((one) => one !== "");
}

/** Members of an object literal: `{ reason, hint: "x", ...more }` has reason and hint. */
export function members(literal: string): Map<string, string> {
  const pairs = items(literal, 0).flatMap((item): [string, string][] => {
    const colon = /^(\w+)\s*:\s*/.exec(item);
    if (colon) return [[colon[1] ?? "", item.slice(colon[0].length)]];
    return /^\w+$/.test(item) ? [[item, item]] : [];
  });
  return new Map(pairs);
}

/**
 * What an expression shows: the text of a string, "…" for what is only known when it happens, all
 * branches of a choice. Names are looked up in `known`.
 */
export function shown(expression: string, known: ReadonlyMap<string, string>): string[] {
  const text = expression.trim();
  const named = known.get(text);
  if (named !== undefined) return shown(named, new Map());
  const choice = split(text, "?");
  if (choice.length === 2) {
    return split(choice[1] ?? "", ":").flatMap((branch) => shown(branch, known));
  }
  const parts = split(text, "+");
  if (parts.length > 1) {
    return parts
      .map((part) => shown(part, known))
      .reduce((before, after) => before.flatMap((one) => after.map((two) => one + two)));
  }
  if (/^["']/.test(text) && pastQuoted(text, 0) === text.length) return [unescaped(text)];
  if (text.startsWith("`") && pastQuoted(text, 0) === text.length) return [template(text, known)];
  return ["…"];
}

/** Cuts at an operator with spaces around it that stands outside of brackets and strings. */
function split(text: string, operator: string): string[] {
  for (let at = 0; at < text.length; at = past(text, at)) {
    if (text[at] !== operator || !/\s/.test(text[at - 1] ?? "") || !/\s/.test(text[at + 1] ?? ""))
      continue;
    const rest = text.slice(at + 1);
    return [text.slice(0, at), ...(operator === "+" ? split(rest, operator) : [rest])];
  }
  return [text];
}

function template(text: string, known: ReadonlyMap<string, string>): string {
  let result = "";
  for (let at = 1; at < text.length - 1; ) {
    if (text.startsWith("${", at)) {
      const end = past(text, at + 1);
      const inner = shown(text.slice(at + 2, end - 1), known);
      result += inner.length === 1 ? inner[0] : "…";
      at = end;
    } else {
      const next = text[at] === "\\" ? at + 2 : at + 1;
      result += text.slice(at, next);
      at = next;
    }
  }
  return result.replace(/\\(.)/g, (_, character) => (character === "n" ? " " : character));
}

function unescaped(text: string): string {
  return text.slice(1, -1).replace(/\\(.)/g, "$1");
}
