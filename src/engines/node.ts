// SPDX-License-Identifier: Apache-2.0
/**
 * The node's own configuration, for `rune install --simulation`: enclave containers get the simulated
 * platform, which protects nothing.
 */
import { keyLines } from "../config/toml-lines.ts";
import type { EngineFile } from "./engine.ts";
import { engineFault } from "./json-document.ts";
import { parseToml, tableAt, withBlock, withoutBlock } from "./toml-edit.ts";

const path = "/etc/inclavare-containers/config.toml";
const wanted = { platform: "simulation", allow_simulation: true } as const;

export const node: EngineFile = {
  engine: "node",
  path,
  label: "the node's configuration",
  add: (text) => {
    const bare = withoutBlock(text, path) ?? text;
    const runtime = tableAt(parseToml(bare, path), ["runtime"]);
    const absent = Object.entries(wanted).filter(([key, value]) => {
      const now = runtime?.[key];
      if (now === undefined || now === value) return now === undefined;
      const line = keyLines(bare).get(`runtime.${key}`);
      throw engineFault(
        path,
        `line ${line}: runtime.${key} is \`${now}\``,
        `remove the key, or write ${key} = ${JSON.stringify(value)}`,
      );
    });
    if (absent.length === 0) return text;
    const keys = absent.map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`).join("");
    if (runtime === undefined) return withBlock(bare, path, `[runtime]\n${keys}`);
    return withBlock(bare, path, keys, behindHeader(bare));
  },
  remove: (text) => withoutBlock(text, path),
  isEmpty: (text) => text.trim() === "",
};

/** Where the lines of `[runtime]` begin. */
function behindHeader(text: string): number {
  const [found] = [...text.matchAll(/^[ \t]*\[[ \t]*(?:runtime|"runtime"|'runtime')[ \t]*\].*$/gm)];
  if (found === undefined) {
    throw engineFault(
      path,
      "`runtime` is no table of its own: it cannot be added to",
      "write it as `[runtime]`, with a key a line",
    );
  }
  const end = found.index + found[0].length;
  return text[end] === "\n" ? end + 1 : end;
}
