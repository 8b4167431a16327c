// SPDX-License-Identifier: Apache-2.0
/** The manifest of an enclave, app.toml: what its host may decide. docs/reference/wasm-manifest.md. */
import { parse } from "smol-toml";
import { RuneError } from "../errors/error.ts";
import { syntaxReason } from "../errors/syntax-reason.ts";

export type DirectoryMode = "plain" | "trusted" | "protected";

export type TrustedFile = { readonly path: string; readonly sha256: string };

export type Directory = {
  /** In the container. */
  readonly path: string;
  /** For the program. */
  readonly name: string;
  readonly mode: DirectoryMode;
  readonly write: boolean;
  /** Who can open a protected one: this enclave only, or every enclave of the signer's product. */
  readonly key: "enclave" | "signer";
  readonly files: readonly TrustedFile[];
};

export type Listener = { readonly address: Uint8Array; readonly port: number };

export type Manifest = {
  readonly name: string;
  readonly debug: boolean;
  readonly product: number;
  readonly svn: number;
  readonly avx: boolean;
  readonly guardPages: boolean;
  readonly memoryBytes: number;
  readonly growthBytes: number;
  readonly runtimeBytes: number;
  readonly stackBytes: number;
  readonly hostArguments: boolean;
  /** Undefined: the host's, if they are allowed. */
  readonly fixedArguments: readonly string[] | undefined;
  readonly allowedVariables: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  readonly directories: readonly Directory[];
  readonly listeners: readonly Listener[];
  /** host:port; `*` any. */
  readonly connections: readonly string[];
  /** Undefined: where the program makes no reports of its own. */
  readonly hostReports: boolean | undefined;
};

const MIB = 1024 * 1024;
export const LARGEST_MANIFEST_BYTES = 1 << 20;
const LARGEST_MEMORY = 65535 * 65536;

/** @throws RuneError WASM_MANIFEST that names the key */
export function parseManifest(text: string, path: string): Manifest {
  const top = new Table(parseToml(text, path), path, "");
  const enclave = top.table("enclave");
  const memory = top.table("memory");
  const argumentsTable = top.table("arguments");
  const environment = top.table("environment");
  const values = argumentsTable.strings("values");
  const host = argumentsTable.flag("host", false);
  if (values !== undefined && host) {
    throw argumentsTable.fault("host", "it cannot be true beside `values`");
  }
  const manifest: Manifest = {
    name: top.text("name", "app"),
    debug: enclave.flag("debug", false),
    product: enclave.integer("product", 0, 0, 65535),
    svn: enclave.integer("svn", 0, 0, 65535),
    avx: enclave.flag("avx", false),
    guardPages: memory.choice("guard", ["pages", "checks"], "pages") === "pages",
    memoryBytes: memory.size("size", 4 * MIB, LARGEST_MEMORY),
    growthBytes: memory.size("growth", 60 * MIB, LARGEST_MEMORY),
    runtimeBytes: memory.size("runtime", MIB, 1 << 30),
    stackBytes: memory.size("stack", 256 * 1024, 64 * MIB),
    hostArguments: host,
    fixedArguments: values,
    allowedVariables: (environment.strings("host") ?? []).map((name) =>
      variable(environment, name),
    ),
    variables: environment.table("set").texts(),
    directories: top.tables("directory").map(directory),
    listeners: top.tables("listen").map(listener),
    connections: (top.table("network").strings("connect") ?? []).map((place) =>
      connection(top.table("network"), place),
    ),
    hostReports: top.table("attestation").optionalFlag("host_reports"),
  };
  top.done();
  if (manifest.runtimeBytes < MIB / 2) throw memory.fault("runtime", "512 KiB is the least");
  if (manifest.stackBytes < 65536) throw memory.fault("stack", "64 KiB is the least");
  return manifest;
}

function directory(table: Table): Directory {
  const path = table.text("path");
  if (!path.startsWith("/")) throw table.fault("path", "it must be absolute");
  const mode = table.choice("mode", ["plain", "trusted", "protected"], "plain");
  const files = table.tables("file").map((file): TrustedFile => {
    const sha256 = file.text("sha256");
    if (!/^[0-9a-f]{64}$/.test(sha256))
      throw file.fault("sha256", "64 hexadecimal digits are wanted");
    return { path: normalPath(file, "path"), sha256 };
  });
  if (files.length > 0 && mode !== "trusted") {
    throw table.fault("file", 'only a directory of mode "trusted" has files');
  }
  const write = table.flag("write", mode === "protected");
  if (write && mode === "trusted") throw table.fault("write", "a trusted directory is only read");
  return {
    path,
    name: table.text("name", path),
    mode,
    write,
    key: table.choice("key", ["enclave", "signer"], "enclave"),
    files,
  };
}

function normalPath(table: Table, key: string): string {
  const path = table.text(key);
  const parts = path.split("/");
  if (parts.some((part) => part === "" || part === "." || part === "..")) {
    throw table.fault(key, "it must be relative, without empty parts, `.` and `..`");
  }
  return path;
}

function listener(table: Table): Listener {
  const text = table.text("address");
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([0-9.]+)):([0-9]{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const address = match?.[1] === undefined ? parseIpv4(match?.[2] ?? "") : parseIpv6(match[1]);
  if (address === undefined || port < 1 || port > 65535) {
    throw table.fault("address", "`IPV4:PORT` or `[IPV6]:PORT` is wanted");
  }
  return { address, port };
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split(".").map(Number);
  if (parts.length !== 4 || parts.some((part) => !(part >= 0 && part <= 255))) return undefined;
  return Uint8Array.from(parts);
}

function parseIpv6(text: string): Uint8Array | undefined {
  const [head = "", tail, more] = text.split("::");
  if (more !== undefined) return undefined;
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const missing = 8 - left.length - right.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...left, ...Array<string>(missing).fill("0"), ...right];
  if (groups.some((group) => !/^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  return Uint8Array.from(
    groups.flatMap((group) => {
      const value = Number.parseInt(group, 16);
      return [value >> 8, value & 0xff];
    }),
  );
}

function connection(table: Table, place: string): string {
  const port = /^[^:]+:(\*|[0-9]{1,5})$/.exec(place)?.[1];
  if (port === undefined || (port !== "*" && Number(port) > 65535)) {
    throw table.fault("connect", `\`${place}\` is not \`HOST:PORT\``);
  }
  return place;
}

function variable(table: Table, name: string): string {
  if (/^[^=*\0]+\*?$|^\*$/.test(name)) return name;
  throw table.fault("host", `\`${name}\` is neither a variable's name nor \`PREFIX*\``);
}

function parseToml(text: string, path: string): Record<string, unknown> {
  try {
    return parse(text);
  } catch (error) {
    throw new RuneError({
      code: "WASM_MANIFEST",
      doing: `read manifest \`${path}\``,
      reason: syntaxReason(error),
      cause: error,
    });
  }
}

/** A table whose keys are taken one by one: what is left over at the end is unknown. */
class Table {
  readonly #values: Map<string, unknown>;
  readonly #path: string;
  readonly #prefix: string;
  readonly #children = new Map<string, Table>();

  constructor(values: Record<string, unknown>, path: string, prefix: string) {
    this.#values = new Map(Object.entries(values));
    this.#path = path;
    this.#prefix = prefix;
  }

  fault(key: string, reason: string): RuneError {
    return new RuneError({
      code: "WASM_MANIFEST",
      doing: `read manifest \`${this.#path}\``,
      reason: `\`${this.#prefix}${key}\`: ${reason}`,
    });
  }

  #take(key: string): unknown {
    const value = this.#values.get(key);
    this.#values.delete(key);
    return value;
  }

  text(key: string, otherwise?: string): string {
    const value = this.#take(key) ?? otherwise;
    if (value === undefined) throw this.fault(key, "it is missing");
    if (typeof value === "string" && value !== "" && !value.includes("\0")) return value;
    throw this.fault(key, "a string with at least one character is wanted");
  }

  optionalFlag(key: string): boolean | undefined {
    const value = this.#take(key);
    if (value === undefined || typeof value === "boolean") return value;
    throw this.fault(key, "true or false is wanted");
  }

  flag(key: string, otherwise: boolean): boolean {
    return this.optionalFlag(key) ?? otherwise;
  }

  integer(key: string, otherwise: number, least: number, most: number): number {
    const value = this.#take(key) ?? otherwise;
    if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) {
      return value;
    }
    throw this.fault(key, `a whole number from ${least} to ${most} is wanted`);
  }

  /** "4 MiB", or a number of bytes; rounded up to 64 KiB. */
  size(key: string, otherwise: number, most: number): number {
    const value = this.#take(key) ?? otherwise;
    const match = /^([0-9]+) ?(KiB|MiB|GiB)$/.exec(String(value));
    const unit = { KiB: 1024, MiB: MIB, GiB: 1024 * MIB }[match?.[2] ?? ""] ?? 1;
    const bytes = match === null ? Number(value) : Number(match[1]) * unit;
    if (!Number.isSafeInteger(bytes) || bytes < 0 || bytes > most) {
      throw this.fault(key, `a size such as "4 MiB" is wanted, at most ${most} bytes`);
    }
    return Math.ceil(bytes / 65536) * 65536;
  }

  choice<const T extends string>(key: string, choices: readonly T[], otherwise: T): T {
    const value = this.#take(key) ?? otherwise;
    const found = choices.find((choice) => choice === value);
    if (found !== undefined) return found;
    throw this.fault(key, `one of ${choices.map((choice) => `"${choice}"`).join(", ")} is wanted`);
  }

  strings(key: string): readonly string[] | undefined {
    const value = this.#take(key);
    if (value === undefined) return undefined;
    if (Array.isArray(value)) {
      const strings = value.filter(
        (item): item is string => typeof item === "string" && !item.includes("\0"),
      );
      if (strings.length === value.length) return strings;
    }
    throw this.fault(key, "a list of strings is wanted");
  }

  /** All that is in it, each a string. */
  texts(): Record<string, string> {
    const all: Record<string, string> = {};
    for (const [key, value] of this.#values) {
      if (typeof value !== "string" || value.includes("\0") || key.includes("=")) {
        throw this.fault(key, "a string is wanted");
      }
      all[key] = value;
    }
    this.#values.clear();
    return all;
  }

  table(key: string): Table {
    const known = this.#children.get(key);
    if (known !== undefined) return known;
    const value = this.#take(key) ?? {};
    if (!isRecord(value)) throw this.fault(key, "a table is wanted");
    const child = new Table(value, this.#path, `${this.#prefix}${key}.`);
    this.#children.set(key, child);
    return child;
  }

  tables(key: string): readonly Table[] {
    const value = this.#take(key) ?? [];
    if (!Array.isArray(value) || !value.every(isRecord)) {
      throw this.fault(key, "a list of tables is wanted");
    }
    return value.map((item, index) => {
      const child = new Table(item, this.#path, `${this.#prefix}${key}[${index}].`);
      this.#children.set(`${key}[${index}]`, child);
      return child;
    });
  }

  /** @throws RuneError for a key that nobody has asked for: it would look as if it had an effect */
  done(): void {
    for (const key of this.#values.keys()) throw this.fault(key, "there is no such key");
    for (const child of this.#children.values()) child.done();
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
