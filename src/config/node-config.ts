// SPDX-License-Identifier: Apache-2.0
/**
 * The node's configuration, /etc/inclavare-containers/config.toml: what its administrator allows. It
 * decides what runs as root, so the file must be root's. docs/reference/node-config.md lists the keys.
 */
import { parse } from "smol-toml";
import { RuneError } from "../errors/error.ts";
import { ENOENT, ENOTDIR, O_DIRECTORY, O_PATH, O_RDONLY } from "../kernel/constants.ts";
import { type Kernel, readToEnd, unlessErrno } from "../kernel/kernel.ts";

export const nodeConfigPath = "/etc/inclavare-containers/config.toml";

/** Where PALs may be loaded from unless the node says otherwise. */
export const defaultPalDirs: readonly string[] = [
  "/usr/lib",
  "/usr/lib/x86_64-linux-gnu",
  "/usr/local/lib",
  "/usr/local/lib/inclavare",
  "/opt/occlum/build/lib",
  "/var/run/rune",
];

export type Platform = "hardware" | "simulation";

export type NodeConfig = {
  readonly palDirs: readonly string[];
  /** Undefined: the file does not say, which means hardware. */
  readonly platform: Platform | undefined;
  /** Whether an image or pod may choose the simulated platform; undefined: where there is no SGX. */
  readonly allowSimulation: boolean | undefined;
  readonly palInitTimeoutMs: number;
  /** What containers that attest themselves, and `rune attest`, are judged with. */
  readonly attestation: AttestationConfig;
  /** Keys that have no effect. */
  readonly warnings: readonly string[];
};

export type AttestationConfig = {
  /** A directory, a file, or the address of a PCS or PCCS; undefined: Intel's, or the simulation's. */
  readonly collateral: string | undefined;
  /** What comes before `/attestation/v4/report`. */
  readonly iasUrl: string | undefined;
  /** Path of a policy; undefined: any enclave on a platform that is up to date, not in debug mode. */
  readonly policy: string | undefined;
};

const maxBytes = 1 << 20;
/** A day; poll(2) takes no more than 24 of them. */
const maxTimeoutSeconds = 86_400;

/** Reads the file; without one the defaults hold. */
export function readNodeConfig(kernel: Kernel, path: string): NodeConfig {
  const fd = unlessErrno(() => kernel.open(path, O_RDONLY), ENOENT, ENOTDIR);
  if (fd === undefined) return parseNodeConfig("", path);
  try {
    const { uid, mode } = kernel.fstat(fd);
    if (uid !== 0 || (mode & 0o022) !== 0) {
      throw fault(path, "it must belong to root and be writable by root alone");
    }
    checkParents(kernel, path, path);
    // Where symbolic links have led.
    checkParents(kernel, kernel.readlink(`/proc/self/fd/${fd}`), path);
    const bytes = readToEnd(kernel, fd, path, maxBytes);
    return parseNodeConfig(new TextDecoder().decode(bytes), path);
  } finally {
    kernel.close(fd);
  }
}

/**
 * Whoever may write a directory on the way can put another file of root's in this one's place: a
 * configuration that some other program reads, or an old one. A sticky directory keeps root's files.
 */
function checkParents(kernel: Kernel, file: string, path: string): void {
  const names = file.split("/");
  for (let length = names.length - 1; length > 0; length--) {
    const directory = names.slice(0, length).join("/") || "/";
    const fd = kernel.open(directory, O_PATH | O_DIRECTORY);
    const { uid, mode } = kernel.fstat(fd);
    kernel.close(fd);
    if (uid === 0 && ((mode & 0o022) === 0 || (mode & 0o1000) !== 0)) continue;
    throw fault(path, `\`${directory}\` must belong to root and be writable by root alone`);
  }
}

/** @throws RuneError NODE_CONFIG that names the key */
export function parseNodeConfig(text: string, path: string): NodeConfig {
  const document = new Table(parseToml(text, path), path, "");
  const runtime = document.table("runtime");
  const attestation = document.table("attestation");
  const config = {
    attestation: {
      collateral: attestation.string("collateral"),
      iasUrl: attestation.string("ias_url"),
      policy: attestation.string("policy"),
    },
    palDirs: runtime.strings("pal_dirs") ?? defaultPalDirs,
    platform: platformOf(runtime.string("platform"), path),
    allowSimulation: runtime.boolean("allow_simulation"),
    palInitTimeoutMs: 1000 * (runtime.number("pal_init_timeout", maxTimeoutSeconds) ?? 120),
  };
  const relative = config.palDirs.find((dir) => !dir.startsWith("/"));
  if (relative !== undefined)
    throw fault(path, `runtime.pal_dirs: \`${relative}\` is not absolute`);
  const { policy } = config.attestation;
  if (policy !== undefined && !policy.startsWith("/"))
    throw fault(path, `attestation.policy: \`${policy}\` is not absolute`);
  // Keys of the original, for its shim; checked there.
  for (const name of ["log_level", "sgx_tool_sign", "containerd", "signature", "enclave_runtime"]) {
    document.known(name);
  }
  const epm = document.known("epm") ? ["`[epm]` has no effect: there is no enclave pool"] : [];
  return {
    ...config,
    warnings: [...epm, ...document.unknown(), ...runtime.unknown(), ...attestation.unknown()],
  };
}

function parseToml(text: string, path: string): Record<string, unknown> {
  try {
    return parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause);
    throw fault(path, reason, cause);
  }
}

function platformOf(text: string | undefined, path: string): Platform | undefined {
  if (text === undefined || text === "hardware" || text === "simulation") return text;
  throw fault(path, `runtime.platform: expected hardware or simulation, got \`${text}\``);
}

function fault(path: string, reason: string, cause?: unknown): RuneError {
  const doing = `read \`${path}\``;
  return new RuneError({
    code: "NODE_CONFIG",
    doing,
    reason,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** A table of the document that remembers which of its keys somebody knew. */
class Table {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #path: string;
  readonly #prefix: string;
  readonly #known = new Set<string>();

  constructor(values: Readonly<Record<string, unknown>>, path: string, prefix: string) {
    this.#values = values;
    this.#path = path;
    this.#prefix = prefix;
  }

  known(name: string): boolean {
    this.#known.add(name);
    return Object.hasOwn(this.#values, name);
  }

  string(name: string): string | undefined {
    const value = this.#get(name);
    if (value === undefined || typeof value === "string") return value;
    throw this.#wrong(name, "a string");
  }

  boolean(name: string): boolean | undefined {
    const value = this.#get(name);
    if (value === undefined || typeof value === "boolean") return value;
    throw this.#wrong(name, "true or false");
  }

  /** More than 0. */
  number(name: string, max: number): number | undefined {
    const value = this.#get(name);
    if (value === undefined) return undefined;
    if (typeof value === "number" && value > 0 && value <= max) return value;
    throw this.#wrong(name, `a number greater than 0 and at most ${max}`);
  }

  strings(name: string): readonly string[] | undefined {
    const value = this.#get(name);
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
    throw this.#wrong(name, "a list of strings");
  }

  table(name: string): Table {
    const value = this.#get(name) ?? {};
    if (typeof value !== "object" || Array.isArray(value) || value instanceof Date) {
      throw this.#wrong(name, "a table");
    }
    return new Table({ ...value }, this.#path, `${this.#prefix}${name}.`);
  }

  unknown(): string[] {
    const names = Object.keys(this.#values).filter((name) => !this.#known.has(name));
    return names.map((name) => `unknown key \`${this.#prefix}${name}\` in \`${this.#path}\``);
  }

  #get(name: string): unknown {
    return this.known(name) ? this.#values[name] : undefined;
  }

  #wrong(name: string, expected: string): RuneError {
    return fault(this.#path, `${this.#prefix}${name}: expected ${expected}`);
  }
}
