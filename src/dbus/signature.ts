// SPDX-License-Identifier: Apache-2.0
/** Type signatures: D-Bus specification, "Type System". */
import { RuneError } from "../errors/error.ts";

export type DbusType =
  | { readonly kind: "basic"; readonly code: BasicCode }
  | { readonly kind: "variant" }
  | { readonly kind: "array"; readonly element: DbusType }
  /** A structure, or an entry of a dictionary, which is encoded as one. */
  | { readonly kind: "struct"; readonly fields: readonly DbusType[] };

export type BasicCode = "y" | "b" | "n" | "q" | "i" | "u" | "x" | "t" | "d" | "s" | "o" | "g" | "h";

/** Limits of the specification; without them a signature of 255 brackets is a deep recursion. */
const maximumLength = 255;
const maximumArrays = 32;
const maximumStructs = 32;

/** @throws RuneError DBUS */
export function parseSignature(signature: string): DbusType[] {
  if (signature.length > maximumLength) throw malformed(signature, "it is too long");
  const parser = { signature, at: 0 };
  const types: DbusType[] = [];
  while (parser.at < signature.length) types.push(parseType(parser, 0, 0));
  return types;
}

/** Of exactly one complete type, as in a variant. */
export function parseSingleType(signature: string): DbusType {
  const [type, ...more] = parseSignature(signature);
  if (type === undefined || more.length > 0) throw malformed(signature, "it is not one type");
  return type;
}

/** The alignment of a value's start, in bytes. */
export function alignmentOf(type: DbusType): 1 | 2 | 4 | 8 {
  if (type.kind === "struct") return 8;
  if (type.kind === "array") return 4;
  if (type.kind === "variant") return 1;
  if ("yg".includes(type.code)) return 1;
  if ("nq".includes(type.code)) return 2;
  return "xtd".includes(type.code) ? 8 : 4;
}

type Parser = { readonly signature: string; at: number };

function parseType(parser: Parser, arrays: number, structs: number): DbusType {
  const { signature } = parser;
  const code = signature[parser.at++];
  if (code === undefined) throw malformed(signature, "it ends within a type");
  if (isBasic(code)) return { kind: "basic", code };
  if (code === "v") return { kind: "variant" };
  if (code === "a") {
    if (arrays >= maximumArrays) throw malformed(signature, "its arrays are nested too deep");
    const entry = signature[parser.at] === "{";
    const element = entry
      ? parseEntry(parser, arrays + 1, structs)
      : parseType(parser, arrays + 1, structs);
    return { kind: "array", element };
  }
  if (code === "(") return parseStruct(parser, arrays, structs);
  throw malformed(signature, `there is no type \`${code}\``);
}

function parseStruct(parser: Parser, arrays: number, structs: number): DbusType {
  const { signature } = parser;
  if (structs >= maximumStructs) throw malformed(signature, "its structures are nested too deep");
  const fields: DbusType[] = [];
  while (signature[parser.at] !== ")") fields.push(parseType(parser, arrays, structs + 1));
  parser.at++;
  if (fields.length === 0) throw malformed(signature, "a structure is empty");
  return { kind: "struct", fields };
}

/** `{key value}`: the key is of a basic type. */
function parseEntry(parser: Parser, arrays: number, structs: number): DbusType {
  const { signature } = parser;
  if (structs >= maximumStructs) throw malformed(signature, "its structures are nested too deep");
  parser.at++;
  const key = parseType(parser, arrays, structs + 1);
  const value = parseType(parser, arrays, structs + 1);
  if (key.kind !== "basic" || signature[parser.at++] !== "}") {
    throw malformed(signature, "a dictionary has entries of a basic type and one other");
  }
  return { kind: "struct", fields: [key, value] };
}

function isBasic(code: string): code is BasicCode {
  return "ybnqiuxtdsogh".includes(code);
}

function malformed(signature: string, reason: string): RuneError {
  return new RuneError({ code: "DBUS", doing: `read D-Bus signature \`${signature}\``, reason });
}
