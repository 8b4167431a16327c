// SPDX-License-Identifier: Apache-2.0
/**
 * containerd's /etc/containerd/config.toml, in the versions that there are: the CRI plugin's runtimes
 * moved from `plugins.cri` (1) to `plugins."io.containerd.grpc.v1.cri"` (2) and, with containerd 2.0, to
 * `plugins."io.containerd.cri.v1.runtime"` (3).
 */
import type { EngineFile } from "./engine.ts";
import { engineFault } from "./json-document.ts";
import { parseToml, type TomlTable, tableAt, withBlock, withoutBlock } from "./toml-edit.ts";

const path = "/etc/containerd/config.toml";
export const shimType = "io.containerd.rune.v2";

/** The plugin whose `containerd.runtimes` a version's CRI plugin reads. */
const plugins: Readonly<Record<number, string>> = {
  1: "cri",
  2: "io.containerd.grpc.v1.cri",
  3: "io.containerd.cri.v1.runtime",
};

export const containerd: EngineFile = {
  engine: "containerd",
  path,
  label: "containerd",
  add: (text, { name }) => {
    // Version 2 is what every containerd since 1.3 reads, 2.x among them.
    const document = parseToml(text, path);
    const empty = Object.keys(document).length === 0;
    const version = empty ? 2 : versionOf(document);
    const keys = runtimeKeys(version, name);
    const bare = parseToml(withoutBlock(text, path) ?? text, path);
    const now = tableAt(bare, keys);
    if (now?.["runtime_type"] === shimType) return text;
    if (now !== undefined) {
      throw engineFault(
        path,
        `there is a runtime \`${name}\` already, and its runtime_type is \`${now["runtime_type"]}\``,
        `remove \`[${header(keys)}]\` from it, or give it runtime_type = "${shimType}"`,
      );
    }
    const block = `[${header(keys)}]\n  runtime_type = "${shimType}"\n`;
    const whole = empty ? `version = 2\n\n${text}` : text;
    return withBlock(empty && text !== "" ? whole.trimEnd() : whole, path, block);
  },
  remove: (text) => withoutBlock(text, path),
  isEmpty: (text) => {
    const document = parseToml(text, path);
    const onlyVersion = Object.keys(document).every((key) => key === "version");
    return onlyVersion && !text.includes("#");
  },
  restart: {
    systemd: "systemctl restart containerd",
    otherwise: "stop containerd and start it again: containers go on",
  },
};

export type CriRuntime = {
  readonly version: number;
  /** Undefined: no such handler. */
  readonly type: string | undefined;
  /** `options.BinaryName`, for the stock shim. */
  readonly binary: string | undefined;
  readonly criDisabled: boolean;
};

/** A runtime handler of the CRI plugin. @throws RuneError ENGINE_CONFIG */
export function criRuntime(text: string, name: string): CriRuntime {
  const document = parseToml(text, path);
  const version = versionOf(document);
  const table = tableAt(document, runtimeKeys(version, name));
  const binary = table === undefined ? undefined : tableAt(table, ["options"])?.["BinaryName"];
  const type = table?.["runtime_type"];
  const disabled = document["disabled_plugins"];
  const names = Array.isArray(disabled) ? disabled : [];
  return {
    version,
    type: typeof type === "string" ? type : undefined,
    binary: typeof binary === "string" && binary !== "" ? binary : undefined,
    criDisabled: names.includes("cri") || names.includes(plugins[version]),
  };
}

function versionOf(document: TomlTable): 1 | 2 | 3 {
  const { version = 1 } = document;
  if (version === 1 || version === 2 || version === 3) return version;
  throw engineFault(path, `version: expected 1, 2 or 3, got \`${version}\``);
}

function runtimeKeys(version: number, name: string): string[] {
  return ["plugins", plugins[version] ?? "", "containerd", "runtimes", name];
}

function header(keys: readonly string[]): string {
  return keys.map((key) => (/^[A-Za-z0-9_-]+$/.test(key) ? key : `"${key}"`)).join(".");
}
