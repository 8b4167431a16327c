// SPDX-License-Identifier: Apache-2.0
import { RuneError } from "../errors/error.ts";

export type ShimLine = {
  readonly action: "start" | "delete" | "serve" | "act";
  readonly namespace: string;
  /** Of containerd. */
  readonly address: string;
  readonly publishBinary: string;
  readonly id: string;
  readonly bundle: string;
  readonly debug: boolean;
  readonly version: boolean;
  readonly info: boolean;
};

export type ShimCall = ShimLine & {
  readonly environment: ReadonlyMap<string, string>;
  readonly libDir: string;
};

const withValue = ["namespace", "address", "publish-binary", "id", "bundle"];
const switches = ["debug", "v", "info"];
const actions = ["start", "delete", "serve", "act"] as const;

/** Go's flag package: one dash or two, the value behind a space or "="; the action is last. */
export function parseShimLine(words: readonly string[]): ShimLine {
  const values = new Map<string, string>();
  const rest = [...words];
  for (let word = rest[0]; word?.startsWith("-") === true; word = rest[0]) {
    rest.shift();
    const [, name = "", , value] = /^--?([^=]*)(=(.*))?$/s.exec(word) ?? [];
    if (switches.includes(name)) values.set(name, value ?? "true");
    else if (!withValue.includes(name)) throw usage(`there is no flag \`${word}\``);
    else values.set(name, value ?? take(rest, name));
  }
  const [word, ...others] = rest;
  const action = actions.find((one) => one === word);
  const prints = values.get("v") === "true" || values.get("info") === "true";
  if (others.length > 0 || (action === undefined && !prints)) {
    throw usage(`its action is start or delete, not \`${rest.join(" ")}\``);
  }
  return {
    action: action ?? "start",
    namespace: values.get("namespace") ?? "",
    address: values.get("address") ?? "",
    publishBinary: values.get("publish-binary") ?? "",
    id: values.get("id") ?? "",
    bundle: values.get("bundle") ?? "",
    debug: values.get("debug") === "true",
    version: values.get("v") === "true",
    info: values.get("info") === "true",
  };
}

function take(rest: string[], name: string): string {
  const value = rest.shift();
  if (value === undefined) throw usage(`flag \`-${name}\` needs a value`);
  return value;
}

function usage(reason: string): RuneError {
  const hint = 'it is containerd that calls it: runtime_type = "io.containerd.rune.v2"';
  return new RuneError({ code: "USAGE", doing: "start the shim", reason, hint });
}
