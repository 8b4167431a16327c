// SPDX-License-Identifier: Apache-2.0
/**
 * What a test has to cover: every field of config.json, taken from the types in src/oci, every verb and
 * option, taken from the option table, and the escapes that are known.
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { program } from "../../src/cli/table.ts";
import { hookNames } from "../../src/oci/config.ts";
import type { ProgramSpec } from "../../src/options/option.ts";

const sources = ["config.ts", "config-linux.ts", "config-resources.ts"];
const folder = resolve(import.meta.dir, "../../src/oci");

/** Types whose fields mean nothing one without the other: one subject, not several. */
const wholes: ReadonlySet<string> = new Set([
  "BlockIoThrottle",
  "HugepageLimit",
  "IdMapping",
  "IoPriority",
  "NetDevice",
  "Personality",
  "RdmaLimits",
  "Rlimit",
  "SeccompArgument",
  "TimeOffset",
]);

/** Fields of config.json as the types have them: "process.user.umask". */
export function fields(): string[] {
  const text = sources.map((name) => readFileSync(join(folder, name), "utf8")).join("\n");
  const found = fieldsOf("Config", text).filter((name) => name !== "hooks");
  // `Hooks` is a mapped type, and a hook is the same in all six places.
  const hooks = hookNames.map((name) => `hooks.${name}`);
  return [...found, ...hooks, ...fieldsOf("Hook", text).map((name) => `hook.${name}`)];
}

/** Verbs and options as the table has them: "create", "create --bundle", "--root". */
export function verbs(of: ProgramSpec = program): string[] {
  const options = (command: ProgramSpec | ProgramSpec["commands"][number], prefix: string) =>
    command.options
      .filter((option) => option.hidden !== true)
      .map((option) => `${prefix}--${option.name}`);
  const shown = of.commands.filter((command) => command.hidden !== true);
  return [
    ...options(of, ""),
    ...shown.flatMap((command) => [command.name, ...options(command, `${command.name} `)]),
  ];
}

/** Published ways out of a container, through runtimes: each has to have a test that tries it. */
export const escapes: readonly string[] = [
  "CVE-2019-5736",
  "CVE-2019-16884",
  "CVE-2019-19921",
  "CVE-2021-30465",
  "CVE-2023-27561",
  "CVE-2024-21626",
  "CVE-2025-31133",
  "CVE-2025-52565",
  "CVE-2025-52881",
];

/** What else callers give to a runtime: systemd's variables. */
export const variables: readonly string[] = ["NOTIFY_SOCKET", "LISTEN_FDS"];

export function allSubjects(): string[] {
  return [...fields(), ...verbs(), ...variables, ...escapes];
}

/** Leaves of an object type, by the text of the sources that declare it and what it names. */
export function fieldsOf(type: string, sourceText: string): string[] {
  const declared = declarations(withoutComments(sourceText));
  const visit = (body: string, path: string): string[] =>
    members(body).flatMap(([name, value]) => {
      const below = path === "" ? name : `${path}.${name}`;
      const element = elementType(value);
      if (element.startsWith("{")) return visit(element.slice(1, -1), below);
      const inner = declared.get(element);
      return inner === undefined || wholes.has(element) ? [below] : visit(inner, below);
    });
  const body = declared.get(type);
  if (body === undefined) throw new Error(`no object type \`${type}\` is declared`);
  return visit(body, "");
}

/** Name and body of every object type. */
function declarations(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const match of text.matchAll(/export type (\w+) = \{/g)) {
    const start = match.index + match[0].length;
    const body = text.slice(start, closing(text, start));
    // A mapped type has no members of its own.
    if (!/^\s*readonly \[\w+ in /.test(body)) found.set(match[1] ?? "", body);
  }
  return found;
}

/** Where the brace that is open at `start` closes. */
function closing(text: string, start: number): number {
  let depth = 1;
  for (let at = start; at < text.length; at++) {
    if (text[at] === "{") depth++;
    if (text[at] === "}" && --depth === 0) return at;
  }
  throw new Error("a brace is not closed");
}

function members(body: string): [name: string, type: string][] {
  const parts: string[] = [""];
  let depth = 0;
  for (const letter of body) {
    if (letter === "{") depth++;
    if (letter === "}") depth--;
    if (letter === ";" && depth === 0) parts.push("");
    else parts[parts.length - 1] += letter;
  }
  return parts.flatMap((part) => {
    const match = /^\s*readonly (\w+)\??:\s*([\s\S]+?)\s*$/.exec(part);
    return match?.[1] === undefined || match[2] === undefined ? [] : [[match[1], match[2]]];
  });
}

/** What an array or a record holds; any other type as it is. */
function elementType(type: string): string {
  const record = /^Readonly<Record<string, (.+)>>$/s.exec(type)?.[1];
  return record ?? type.replace(/^readonly /, "").replace(/\[\]$/, "");
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/\/\/.*/g, "");
}
