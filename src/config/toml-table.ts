// SPDX-License-Identifier: Apache-2.0
/** A TOML document as the node's configuration reads it: types are checked, keys that nobody knows found. */
import { parse } from "smol-toml";
import { RuneError } from "../errors/error.ts";
import { syntaxReason } from "../errors/syntax-reason.ts";
import { keyLines } from "./toml-lines.ts";

type Document = { readonly path: string; readonly lines: () => ReadonlyMap<string, number> };

/** @throws RuneError NODE_CONFIG where it is no TOML */
export function parseTable(text: string, path: string): Table {
  const document = { path, lines: () => keyLines(text) };
  try {
    return new Table(parse(text), document, "");
  } catch (cause) {
    throw configFault(path, syntaxReason(cause), { cause });
  }
}

export function configFault(
  path: string,
  reason: string,
  { hint, cause }: { readonly hint?: string; readonly cause?: unknown } = {},
): RuneError {
  return new RuneError({
    code: "NODE_CONFIG",
    doing: `read \`${path}\``,
    reason,
    ...(hint === undefined ? {} : { hint }),
    ...(cause === undefined ? {} : { cause }),
  });
}

/** A table of the document that remembers which of its keys somebody knew. */
export class Table {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #document: Document;
  readonly #prefix: string;
  readonly #known = new Set<string>();
  readonly #tables: Table[] = [];

  constructor(values: Readonly<Record<string, unknown>>, document: Document, prefix: string) {
    this.#values = values;
    this.#document = document;
    this.#prefix = prefix;
  }

  known(name: string): boolean {
    this.#known.add(name);
    return Object.hasOwn(this.#values, name);
  }

  string(name: string): string | undefined {
    const value = this.#get(name);
    if (value === undefined || typeof value === "string") return value;
    throw this.fault(name, "expected a string");
  }

  /** An empty text means what an absent key means: so the original's examples have it. */
  text(name: string): string | undefined {
    const value = this.string(name);
    return value === "" ? undefined : value;
  }

  absolutePath(name: string): string | undefined {
    const value = this.text(name);
    if (value === undefined || (value.startsWith("/") && !value.includes("\0"))) return value;
    throw this.fault(name, `\`${value}\` is not absolute`);
  }

  choice<const Words extends readonly string[]>(
    name: string,
    words: Words,
  ): Words[number] | undefined {
    const value = this.string(name);
    if (value === undefined) return undefined;
    const found = words.find((word) => word === value);
    if (found !== undefined) return found;
    throw this.fault(name, `expected ${words.join(" or ")}, got \`${value}\``);
  }

  boolean(name: string): boolean | undefined {
    const value = this.#get(name);
    if (value === undefined || typeof value === "boolean") return value;
    throw this.fault(name, "expected true or false");
  }

  /** More than 0. */
  number(name: string, max: number): number | undefined {
    const value = this.#get(name);
    if (value === undefined) return undefined;
    if (typeof value === "number" && value > 0 && value <= max) return value;
    throw this.fault(name, `expected a number greater than 0 and at most ${max}`);
  }

  strings(name: string): readonly string[] | undefined {
    const value = this.#get(name);
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
    throw this.fault(name, "expected a list of strings");
  }

  table(name: string): Table {
    const value = this.#get(name) ?? {};
    if (typeof value !== "object" || Array.isArray(value) || value instanceof Date) {
      throw this.fault(name, "expected a table");
    }
    const table = new Table({ ...value }, this.#document, `${this.#prefix}${name}.`);
    this.#tables.push(table);
    return table;
  }

  /** A warning for each key that was never asked for, here and in the tables that were. */
  unknown(): string[] {
    const names = Object.keys(this.#values).filter((name) => !this.#known.has(name));
    const own = names.map((name) => {
      const key = `${this.#prefix}${name}`;
      const line = this.#document.lines().get(key);
      const where = line === undefined ? "" : `, line ${line}`;
      return `unknown key \`${key}\` in \`${this.#document.path}\`${where}`;
    });
    return [...own, ...this.#tables.flatMap((table) => table.unknown())];
  }

  fault(name: string, reason: string): RuneError {
    return configFault(this.#document.path, `${this.#prefix}${name}: ${reason}`);
  }

  #get(name: string): unknown {
    return this.known(name) ? this.#values[name] : undefined;
  }
}
