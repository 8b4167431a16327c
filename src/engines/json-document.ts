// SPDX-License-Identifier: Apache-2.0
/** JSON (RFC 8259) with the place of each value, for edits that leave the rest as it was, and for faults. */
import { RuneError } from "../errors/error.ts";

export type JsonNode = {
  /** First character of the value, and the one behind its last. */
  readonly start: number;
  readonly end: number;
  readonly value: unknown;
  /** Of an object, in their order. */
  readonly members?: readonly JsonMember[];
};

export type JsonMember = { readonly name: string; readonly start: number; readonly node: JsonNode };

/** Deeper than any configuration, and far from the end of the stack. */
const deepest = 100;

/** @throws RuneError ENGINE_CONFIG with line and column */
export function parseJson(text: string, path: string): JsonNode {
  const scanner = new Scanner(text, path);
  const node = scanner.value(0);
  scanner.end();
  return node;
}

export function engineFault(path: string, reason: string, hint?: string): RuneError {
  const doing = `read \`${path}\``;
  return new RuneError({
    code: "ENGINE_CONFIG",
    doing,
    reason,
    ...(hint === undefined ? {} : { hint }),
  });
}

const literals: Readonly<Record<string, unknown>> = { true: true, false: false, null: null };

class Scanner {
  readonly #text: string;
  readonly #path: string;
  #at = 0;

  constructor(text: string, path: string) {
    this.#text = text;
    this.#path = path;
  }

  value(depth: number): JsonNode {
    this.#space();
    if (depth > deepest) throw this.#fault(`nested more than ${deepest} deep`);
    const start = this.#at;
    const first = this.#text[start];
    if (first === "{") return this.#object(depth);
    if (first === "[") return this.#array(depth);
    const value = first === '"' ? this.#string() : this.#scalar();
    return { start, end: this.#at, value };
  }

  end(): void {
    this.#space();
    if (this.#at < this.#text.length) throw this.#fault("something follows the document");
  }

  #object(depth: number): JsonNode {
    const start = this.#at++;
    const members: JsonMember[] = [];
    for (let more = !this.#takes("}"); more; more = this.#goesOn("}")) {
      this.#space();
      const at = this.#at;
      if (this.#text[at] !== '"') throw this.#fault("expected a name in double quotes");
      const name = this.#string();
      if (members.some((member) => member.name === name)) {
        this.#at = at;
        throw this.#fault(`\`${name}\` is there twice`);
      }
      if (!this.#takes(":")) throw this.#fault("expected `:`");
      members.push({ name, start: at, node: this.value(depth + 1) });
    }
    const value = Object.fromEntries(members.map(({ name, node }) => [name, node.value]));
    return { start, end: this.#at, value, members };
  }

  #array(depth: number): JsonNode {
    const start = this.#at++;
    const value: unknown[] = [];
    for (let more = !this.#takes("]"); more; more = this.#goesOn("]")) {
      value.push(this.value(depth + 1).value);
    }
    return { start, end: this.#at, value };
  }

  /** After a value: true behind a comma, false behind the end. */
  #goesOn(end: string): boolean {
    if (this.#takes(",")) return true;
    if (this.#takes(end)) return false;
    throw this.#fault(`expected \`,\` or \`${end}\``);
  }

  #string(): string {
    const found = /"(?:[^"\\]|\\.)*"/sy;
    return this.#json<string>(found, "a text without an end, or with a wrong escape");
  }

  #scalar(): unknown {
    for (const [word, value] of Object.entries(literals)) {
      if (!this.#text.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      return value;
    }
    return this.#json<number>(/-?[0-9][0-9.eE+-]*/y, "expected a value");
  }

  /** What the pattern finds, as JSON.parse reads it. */
  #json<T>(pattern: RegExp, otherwise: string): T {
    pattern.lastIndex = this.#at;
    const [word] = pattern.exec(this.#text) ?? [];
    if (word === undefined) throw this.#fault(otherwise);
    try {
      const value: T = JSON.parse(word);
      this.#at += word.length;
      return value;
    } catch {
      throw this.#fault(otherwise);
    }
  }

  #takes(character: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    while (" \t\r\n".includes(this.#text[this.#at] ?? "x")) this.#at++;
  }

  #fault(reason: string): RuneError {
    const before = this.#text.slice(0, this.#at).split("\n");
    const column = [...(before.at(-1) ?? "")].length + 1;
    return engineFault(this.#path, `no JSON: line ${before.length}, column ${column}: ${reason}`);
  }
}
