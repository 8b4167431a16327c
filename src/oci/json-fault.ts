// SPDX-License-Identifier: Apache-2.0
/**
 * Finds where a text stops being JSON (RFC 8259). The engine's own message has no position, and
 * config.json is edited by hand. Runs only after JSON.parse has failed.
 */

/** Longest nesting looked at; JSON.parse itself gives up somewhere beyond. */
const maximumDepth = 10_000;

/** "not JSON: line 3, column 5: expected ...", or undefined where no fault was found. */
export function findJsonFault(text: string): string | undefined {
  const fault = scan(text);
  if (fault === undefined) return undefined;
  const before = text.slice(0, fault.offset);
  const line = before.split("\n").length;
  const column = fault.offset - before.lastIndexOf("\n");
  const character = text.codePointAt(fault.offset);
  const found =
    character === undefined ? "the end" : JSON.stringify(String.fromCodePoint(character));
  return `not JSON: line ${line}, column ${column}: expected ${fault.expected}, found ${found}`;
}

type SyntaxFault = { readonly offset: number; readonly expected: string };

const tokens = {
  space: /[ \t\n\r]*/y,
  // biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 8259 forbids them in strings
  string: /"(?:[^"\\\u0000-\u001f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"/y,
  scalar: /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![0-9.eE])|(?:true|false|null)\b/y,
};

/** Walks the text with a stack of open brackets; recursion would end with the stack. */
function scan(text: string): SyntaxFault | undefined {
  const open: ("{" | "[")[] = [];
  let offset = 0;
  const take = (token: RegExp): boolean => {
    token.lastIndex = offset;
    const length = token.exec(text)?.[0].length;
    if (length !== undefined) offset += length;
    return length !== undefined;
  };
  const skip = (): string => {
    take(tokens.space);
    return text.charAt(offset);
  };
  const fault = (expected: string): SyntaxFault => ({ offset, expected });
  const key = (): SyntaxFault | undefined => {
    skip();
    if (!take(tokens.string)) return fault("a property name in double quotes");
    if (skip() !== ":") return fault("`:`");
    offset++;
    return undefined;
  };
  for (;;) {
    const start = skip();
    if (start === "{" || start === "[") {
      if (open.length >= maximumDepth) return undefined;
      open.push(start);
      offset++;
      if (skip() !== (start === "{" ? "}" : "]")) {
        const bad = start === "{" ? key() : undefined;
        if (bad !== undefined) return bad;
        continue;
      }
    } else if (start === '"') {
      if (!take(tokens.string)) return fault("a string that ends on its line, with valid escapes");
    } else if (!take(tokens.scalar)) {
      return fault("a value");
    }
    // A value has ended: brackets may close, then a comma must follow or the text be over.
    for (;;) {
      const inner = open.at(-1);
      const next = skip();
      if (inner === undefined) return next === "" ? undefined : fault("the end");
      const close = inner === "{" ? "}" : "]";
      if (next === close) {
        open.pop();
        offset++;
        continue;
      }
      if (next !== ",") return fault(`\`,\` or \`${close}\``);
      offset++;
      const bad = inner === "{" ? key() : undefined;
      if (bad !== undefined) return bad;
      break;
    }
  }
}
