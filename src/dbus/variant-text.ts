// SPDX-License-Identifier: Apache-2.0
/**
 * Values as people write them, in the part of GVariant's text format that annotations of containers
 * use: `true`, `'text'`, `uint32 7`, `[1, 2]`, `@as []`. As runc, which takes it from godbus.
 */
import { RuneError } from "../errors/error.ts";
import { type DbusType, parseSingleType } from "./signature.ts";
import type { DbusValue, Variant } from "./value.ts";
import { ValueWriter } from "./write-values.ts";

/** Names of types in front of a number, or of a string that stands for its type. */
const keywords: Readonly<Record<string, string>> = {
  byte: "y",
  boolean: "b",
  int16: "n",
  uint16: "q",
  int32: "i",
  uint32: "u",
  int64: "x",
  uint64: "t",
  double: "d",
  string: "s",
  objectpath: "o",
  signature: "g",
};

const escapes: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** What is written, before its type is known. */
type Term =
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "number"; readonly text: string }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "array"; readonly values: readonly Term[] }
  | { readonly kind: "typed"; readonly signature: string; readonly value: Term };

/** @throws RuneError CONFIG_INVALID that says what is wrong where */
export function parseVariant(text: string): Variant {
  const parser = new Parser(text);
  const term = parser.term(0);
  parser.end();
  const signature = signatureOf(term, text);
  const variant = { signature, value: typedValue(term, parseSingleType(signature), text) };
  new ValueWriter().values("v", [variant]); // numbers out of range, strings that are no signature
  return variant;
}

const maximumDepth = 16; // arrays of arrays; properties of systemd need two

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  term(depth: number): Term {
    if (depth > maximumDepth) throw invalid(this.#text, "it is nested too deep");
    this.#spaces();
    const next = this.#text[this.#at] ?? "";
    if (next === "'" || next === '"') return { kind: "string", value: this.#string(next) };
    if (next === "[") return { kind: "array", values: this.#array(depth) };
    if (next === "@") {
      this.#at++;
      const signature = this.#take(/[a-zA-Z(){}]+/y);
      if (signature === undefined) throw this.#unexpected();
      return { kind: "typed", signature, value: this.term(depth + 1) };
    }
    const number = this.#take(/[-+]?(?:0x[0-9a-fA-F]+|[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?)/y);
    if (number !== undefined) return { kind: "number", text: number };
    const word = this.#take(/[a-z][a-z0-9]*/y);
    if (word === "true" || word === "false") return { kind: "boolean", value: word === "true" };
    const signature = keywords[word ?? ""];
    if (signature === undefined) throw this.#unexpected();
    return { kind: "typed", signature, value: this.term(depth + 1) };
  }

  end(): void {
    this.#spaces();
    if (this.#at < this.#text.length) throw this.#unexpected();
  }

  #array(depth: number): Term[] {
    this.#at++;
    const values: Term[] = [];
    for (;;) {
      if (this.#skip("]")) return values;
      if (values.length > 0 && !this.#skip(",")) throw this.#unexpected();
      values.push(this.term(depth + 1));
    }
  }

  #string(quote: string): string {
    this.#at++;
    for (let value = ""; ; ) {
      const character = this.#text[this.#at++];
      if (character === undefined) throw invalid(this.#text, "a string has no end");
      if (character === quote) return value;
      value += character === "\\" ? this.#escape() : character;
    }
  }

  #escape(): string {
    const character = this.#text[this.#at++] ?? "";
    if (character !== "u" && character !== "U") return escapes[character] ?? character;
    const digits = this.#take(character === "u" ? /[0-9a-fA-F]{4}/y : /[0-9a-fA-F]{8}/y);
    const point = Number.parseInt(digits ?? "", 16);
    if (!(point > 0 && point <= 0x10ffff)) throw invalid(this.#text, "an escape is no character");
    return String.fromCodePoint(point);
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #skip(character: string): boolean {
    this.#spaces();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #spaces(): void {
    this.#take(/\s*/y);
  }

  #unexpected(): RuneError {
    const rest = this.#text.slice(this.#at);
    return invalid(this.#text, rest === "" ? "it ends too early" : `\`${rest}\` is not expected`);
  }
}

/** A number without a type is an int32, or a double where it has a point; an array is of its first. */
function signatureOf(term: Term, text: string): string {
  switch (term.kind) {
    case "boolean":
      return "b";
    case "string":
      return "s";
    case "number":
      return /^[-+]?0x/.test(term.text) || !/[.eE]/.test(term.text) ? "i" : "d";
    case "typed":
      return term.signature;
    case "array": {
      const [first] = term.values;
      if (first === undefined) throw invalid(text, "an empty array needs a type, such as `@as []`");
      return `a${signatureOf(first, text)}`;
    }
  }
}

function typedValue(term: Term, type: DbusType, text: string): DbusValue {
  if (term.kind === "typed") {
    if (JSON.stringify(parseSingleType(term.signature)) !== JSON.stringify(type)) {
      throw invalid(text, `\`${term.signature}\` is not the type of its neighbours`);
    }
    return typedValue(term.value, type, text);
  }
  if (term.kind === "array" && type.kind === "array") {
    return term.values.map((value) => typedValue(value, type.element, text));
  }
  if (type.kind === "variant") {
    const signature = signatureOf(term, text);
    return { signature, value: typedValue(term, parseSingleType(signature), text) };
  }
  if (type.kind !== "basic") throw invalid(text, "it has not the type that it says");
  if (term.kind === "boolean" && type.code === "b") return term.value;
  if (term.kind === "string" && "sog".includes(type.code)) return term.value;
  if (term.kind === "number" && !"bsog".includes(type.code)) {
    return type.code === "d" ? Number(term.text) : integer(term.text, text);
  }
  throw invalid(text, "it has not the type that it says");
}

function integer(number: string, text: string): bigint {
  const [, sign = "", digits = ""] = /^([-+]?)(.*)$/.exec(number) ?? [];
  if (!/^(0x[0-9a-fA-F]+|[0-9]+)$/.test(digits)) throw invalid(text, `\`${number}\` is no integer`);
  return sign === "-" ? -BigInt(digits) : BigInt(digits);
}

function invalid(text: string, reason: string): RuneError {
  const hint =
    "values are written as `gdbus` and `busctl` users write them: 'text', uint32 7, true";
  return new RuneError({ code: "CONFIG_INVALID", doing: `read value \`${text}\``, reason, hint });
}
