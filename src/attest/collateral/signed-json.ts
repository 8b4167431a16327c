// SPDX-License-Identifier: Apache-2.0
/**
 * JSON that Intel signs: `{"tcbInfo":{...},"signature":"hex"}`. The signature covers the exact text
 * of the inner object, so that is cut out of the answer as it stands; writing it anew would lose it.
 */
import { attestError, formatError } from "../error.ts";

export type SignedJson = {
  /** The exact text that was signed. */
  readonly text: string;
  /** r || s. */
  readonly signature: Uint8Array;
};

const LONGEST_JSON_CHARACTERS = 4 << 20;

/**
 * Cuts the object under `key` and the signature out of an answer. There may be no third member, nor
 * one twice: two readers must not see two objects.
 */
export function splitSignedJson(answer: string, key: string): SignedJson {
  const what = `signed ${key}`;
  if (answer.length > LONGEST_JSON_CHARACTERS) throw formatError(what, "more than 4 MiB");
  const space = "[ \\t\\r\\n]*";
  const head = new RegExp(`^${space}\\{${space}"${key}"${space}:${space}(?=\\{)`).exec(answer);
  const inner = head === null ? undefined : objectEnd(answer, head[0].length);
  if (head === null || inner === undefined) {
    throw formatError(what, `does not start with an object under "${key}"`);
  }
  const tail = new RegExp(
    `^${space},${space}"signature"${space}:${space}"([0-9a-fA-F]*)"${space}\\}${space}$`,
  ).exec(answer.slice(inner));
  if (tail?.[1] === undefined) throw formatError(what, "no signature in hexadecimal follows");
  return { text: answer.slice(head[0].length, inner), signature: signatureBytes(tail[1], what) };
}

/** A signature in hexadecimal as r || s. */
export function signatureBytes(digits: string, what: string): Uint8Array {
  if (!/^[0-9a-fA-F]{128}$/.test(digits)) {
    throw formatError(what, `signature of ${digits.length} digits instead of 128`);
  }
  return new Uint8Array(Buffer.from(digits, "hex"));
}

/** Where the object that starts at `start` ends. Only strings and braces matter for that. */
function objectEnd(text: string, start: number): number | undefined {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const character = text[at];
    if (character === '"') {
      for (at++; at < text.length && text[at] !== '"'; at++) if (text[at] === "\\") at++;
    } else if (character === "{" || character === "[") depth++;
    else if ((character === "}" || character === "]") && --depth === 0) return at + 1;
  }
  return undefined;
}

/** Parses text whose signature holds. */
export function parseJson(text: string, what: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw formatError(what, error instanceof Error ? error.message : "no JSON");
  }
  return fieldsOf(value, what);
}

/** Reads the members of an object, each with its type; errors name the member. */
export type Fields = {
  has(name: string): boolean;
  text(name: string): string;
  integer(name: string, maximum: number): number;
  /** `size` bytes in hexadecimal. */
  bytes(name: string, size: number): Uint8Array;
  /** Milliseconds since 1970. */
  time(name: string): number;
  object(name: string): Fields;
  objects(name: string): Fields[];
  texts(name: string): string[];
  raw(name: string): unknown;
};

export function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw formatError(what, "not an object");
  }
  const members = new Map<string, unknown>(Object.entries(value));
  const wrong = (name: string, expected: string) =>
    formatError(what, `"${name}" is ${describe(members.get(name))}, expected ${expected}`);

  function text(name: string): string {
    const member = members.get(name);
    if (typeof member !== "string") throw wrong(name, "a string");
    return member;
  }
  function list(name: string): readonly unknown[] {
    const member = members.get(name);
    if (!Array.isArray(member)) throw wrong(name, "a list");
    return member;
  }
  return {
    has: (name) => members.has(name),
    raw: (name) => members.get(name),
    text,
    integer(name, maximum) {
      const member = members.get(name);
      if (
        typeof member !== "number" ||
        !Number.isInteger(member) ||
        member < 0 ||
        member > maximum
      ) {
        throw wrong(name, `an integer from 0 to ${maximum}`);
      }
      return member;
    },
    bytes(name, size) {
      const digits = text(name);
      if (!/^[0-9a-fA-F]*$/.test(digits) || digits.length !== size * 2) {
        throw wrong(name, `${size} bytes in hexadecimal`);
      }
      return new Uint8Array(Buffer.from(digits, "hex"));
    },
    time(name) {
      const time = isoDate(text(name));
      if (time === undefined) throw wrong(name, "a time such as 2026-11-28T03:56:08Z");
      return time;
    },
    object: (name) => fieldsOf(members.get(name), `${what}.${name}`),
    objects: (name) => list(name).map((one, at) => fieldsOf(one, `${what}.${name}[${at}]`)),
    texts: (name) =>
      list(name).map((one) => {
        if (typeof one !== "string") throw wrong(name, "a list of strings");
        return one;
      }),
  };
}

function describe(value: unknown): string {
  return value === undefined ? "absent" : JSON.stringify(value).slice(0, 60);
}

/** Milliseconds of "2026-11-28T03:56:08Z", also with fractions of a second. */
function isoDate(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(text)) return undefined;
  const time = Date.parse(text);
  if (Number.isNaN(time)) return undefined;
  // A day such as 31 February is taken for one of March, and so comes back changed.
  return new Date(time).toISOString().slice(0, 19) === text.slice(0, 19) ? time : undefined;
}

/** Throws unless `at` lies in [issueDate, nextUpdate], both inclusive, stretched by a grace period. */
export function requireCurrent(
  dates: { readonly issueDate: number; readonly nextUpdate: number },
  at: number,
  graceMs: number,
  doing: string,
): void {
  const iso = (time: number) => new Date(time).toISOString().replace(/\.000Z$/, "Z");
  if (at < dates.issueDate) {
    throw attestError(
      "ATTEST_TIME",
      doing,
      `was issued at ${iso(dates.issueDate)}, after the time of the check, ${iso(at)}`,
    );
  }
  if (at > dates.nextUpdate + graceMs) {
    throw attestError(
      "ATTEST_TIME",
      doing,
      `was to be replaced by ${iso(dates.nextUpdate)}, the time of the check is ${iso(at)}`,
      "fetch newer collateral, or check at the time it was fetched for",
    );
  }
}
