// SPDX-License-Identifier: Apache-2.0
/**
 * podman's runtimes by name: containers.conf(5). A file of our own in containers.conf.d is read behind
 * /etc/containers/containers.conf, and nobody else's is touched.
 */
import type { EngineFile } from "./engine.ts";
import { engineFault } from "./json-document.ts";
import { parseToml, tableAt, withBlock, withoutBlock } from "./toml-edit.ts";

const path = "/etc/containers/containers.conf.d/50-rune.conf";

export const podman: EngineFile = {
  engine: "podman",
  path,
  label: "podman",
  add: (text, { name, path: program }) => {
    const block = `[engine.runtimes]\n${name} = [${JSON.stringify(program)}]\n`;
    const now = podmanRuntime(text, path, name);
    return now?.includes(program) === true ? text : withBlock(text, path, block);
  },
  remove: (text) => withoutBlock(text, path),
  isEmpty: (text) => text.trim() === "",
};

/** The paths that podman tries in order; undefined where it does not know the name. */
export function podmanRuntime(
  text: string,
  file: string,
  name: string,
): readonly string[] | undefined {
  const found = tableAt(parseToml(text, file), ["engine", "runtimes"])?.[name];
  if (found === undefined) return undefined;
  if (Array.isArray(found) && found.every((item) => typeof item === "string")) return found;
  throw engineFault(file, `engine.runtimes.${name}: expected a list of paths`);
}
