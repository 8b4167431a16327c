// SPDX-License-Identifier: Apache-2.0
/** Every text of every error, found where it is thrown. */
import { items, members, past, shown } from "./expressions.ts";

export type ErrorText = {
  readonly code: string;
  /** What was being done and why it failed, "…" for what differs. */
  readonly text: string;
  readonly hint: string | undefined;
};

/** The texts of one source file; `others` are those that may call what it exports. */
export function textsOf(source: string, others: readonly string[] = []): ErrorText[] {
  return [...source.matchAll(/new RuneError\(\{/g)].flatMap(({ index }) => {
    const object = members(source.slice(index + "new RuneError(".length));
    const code = object.get("code") ?? "";
    const around = functionAround(source, index);
    const calls = around === undefined ? [] : callers(source, around, others);
    // A function that makes errors of what it is told: its callers have the texts.
    const uses = [...object.values()].some((value) => mentions(value, around?.parameters ?? []));
    const knowns = calls.length > 0 && uses ? calls : [new Map<string, string>()];
    const locals = localsOf(source.slice(0, index), [...object.values()]);
    return knowns.flatMap((known) =>
      expand(known.get(code) ?? code, object, new Map([...locals, ...known])),
    );
  });
}

function expand(
  code: string,
  object: ReadonlyMap<string, string>,
  known: ReadonlyMap<string, string>,
): ErrorText[] {
  const codes = [...code.matchAll(/"([A-Z_]+)"/g)].map(([, name = ""]) => name);
  const doing = shown(object.get("doing") ?? "", known);
  const reasons = shown(object.get("reason") ?? "", known);
  const hints = object.has("hint") ? shown(object.get("hint") ?? "", known) : [];
  const hint = hints.filter((one) => one !== "…").join(" / ");
  return codes.flatMap((one) =>
    doing.flatMap((what) =>
      reasons.map((why) => ({
        ...{ code: one, text: `${what}: ${why}`.replace(/…+/g, "…") },
        hint: hint === "" ? undefined : hint,
      })),
    ),
  );
}

type Maker = {
  readonly name: string;
  readonly parameters: readonly string[];
  readonly isExported: boolean;
};

function callers(source: string, maker: Maker, others: readonly string[]): Map<string, string>[] {
  const imported = new RegExp(`^import [^;]*\\b${maker.name}\\b[^;]*;`, "m");
  const users = maker.isExported ? others.filter((other) => imported.test(other)) : [];
  return [source, ...users].flatMap((text) => callsOf(text, maker));
}

/** The named function that a place lies in. */
function functionAround(source: string, place: number): Maker | undefined {
  const heads = [...source.slice(0, place).matchAll(/^(?:export )?function (\w+)(?:<[^>]*>)?\(/gm)];
  const head = heads.at(-1);
  if (head === undefined) return undefined;
  const open = head.index + head[0].length - 1;
  const body = source.indexOf("{\n", past(source, open));
  if (body < 0 || past(source, body) < place) return undefined;
  const parameters = items(source, open).map((item) => /^\w+/.exec(item)?.[0] ?? "");
  return { name: head[1] ?? "", parameters, isExported: head[0].startsWith("export") };
}

/** Constants that stand before a place, of those that are named by themselves. */
function localsOf(before: string, expressions: readonly string[]): Map<string, string> {
  const names = expressions.filter((expression) => /^[a-zA-Z]\w*$/.test(expression));
  const pairs = names.flatMap((name): [string, string][] => {
    const start = [...before.matchAll(new RegExp(`\\bconst ${name}(?:: string)? =\\s`, "g"))].at(
      -1,
    );
    if (start === undefined) return [];
    let at = start.index + start[0].length;
    const from = at;
    while (at < before.length && before[at] !== ";") at = past(before, at);
    return [[name, before.slice(from, at)]];
  });
  return new Map(pairs);
}

/** What each call in a file gives for the parameters. */
function callsOf(source: string, { name, parameters }: Maker): Map<string, string>[] {
  const calls = [...source.matchAll(new RegExp(`(?<!function )\\b${name}\\(`, "g"))];
  return calls.map(({ index }) => {
    const given = items(source, index + name.length);
    const pairs = parameters.flatMap((parameter, at): [string, string][] => {
      const value = given[at];
      return value === undefined || value === parameter ? [] : [[parameter, value]];
    });
    return new Map(pairs);
  });
}

function mentions(expression: string, names: readonly string[]): boolean {
  return names.some((name) => name !== "" && new RegExp(`\\b${name}\\b`).test(expression));
}
