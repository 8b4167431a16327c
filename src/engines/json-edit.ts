// SPDX-License-Identifier: Apache-2.0
/** Changes one member of a JSON document, and leaves order, spaces and the rest as they were. */
import { type JsonMember, type JsonNode, parseJson } from "./json-document.ts";

/** Sets `document[...names] = value`; objects on the way are made where they are missing. */
export function setMember(
  text: string,
  path: string,
  names: readonly string[],
  value: unknown,
): string {
  let node = parseJson(text, path);
  const indent = indentOf(text);
  for (const [depth, name] of names.entries()) {
    const member = memberOf(node, name);
    const rest = names.slice(depth + 1);
    if (member === undefined) {
      const nested = rest.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
      return insert(text, node, name, nested, indent, depth);
    }
    if (rest.length === 0) {
      const { start, end } = member.node;
      return text.slice(0, start) + written(value, indent, depth + 1) + text.slice(end);
    }
    node = member.node;
  }
  return text;
}

/** Removes the member, with its comma. The text stays as it is where there is none. */
export function removeMember(text: string, path: string, names: readonly string[]): string {
  let node = parseJson(text, path);
  for (const [depth, name] of names.entries()) {
    const member = memberOf(node, name);
    if (member === undefined) return text;
    if (depth === names.length - 1) return cut(text, node, member);
    node = member.node;
  }
  return text;
}

function memberOf(node: JsonNode, name: string): JsonMember | undefined {
  return node.members?.find((member) => member.name === name);
}

function insert(
  text: string,
  object: JsonNode,
  name: string,
  value: unknown,
  indent: string,
  depth: number,
): string {
  const inner = `\n${indent.repeat(depth + 1)}`;
  const member = `${inner}${JSON.stringify(name)}: ${written(value, indent, depth + 1)}`;
  const last = object.members?.at(-1);
  if (last !== undefined && !text.slice(object.start, object.end).includes("\n")) {
    const end = last.node.end; // an object in one line stays in it
    const short = `, ${JSON.stringify(name)}: ${JSON.stringify(value)}`;
    return text.slice(0, end) + short + text.slice(end);
  }
  if (last !== undefined) {
    return `${text.slice(0, last.node.end)},${member}${text.slice(last.node.end)}`;
  }
  const object_ = `{${member}\n${indent.repeat(depth)}}`;
  return text.slice(0, object.start) + object_ + text.slice(object.end);
}

function cut(text: string, object: JsonNode, member: JsonMember): string {
  const members = object.members ?? [];
  const index = members.indexOf(member);
  const [before, after] = [members[index - 1], members[index + 1]];
  if (before !== undefined) return text.slice(0, before.node.end) + text.slice(member.node.end);
  if (after !== undefined) return text.slice(0, member.start) + text.slice(after.start);
  return `${text.slice(0, object.start)}{}${text.slice(object.end)}`;
}

function written(value: unknown, indent: string, depth: number): string {
  return JSON.stringify(value, null, indent).replaceAll("\n", `\n${indent.repeat(depth)}`);
}

/** Of the first line that has one; four spaces, as docker's documentation, where none does. */
function indentOf(text: string): string {
  const [, indent = "    "] = /^([ \t]+)"/m.exec(text) ?? [];
  return indent;
}
