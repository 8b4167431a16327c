// SPDX-License-Identifier: Apache-2.0
/** `rune start`: lets the program of a created container run. */
import type { ContainerId } from "../../oci/container-id.ts";
import { defineCommand } from "../../options/option.ts";
import { parseCommand } from "../../options/parse.ts";
import { containerArgument, oneContainer } from "../container-options.ts";

export type StartCommand = { readonly verb: "start"; readonly id: ContainerId };

export const startCommand = defineCommand({
  name: "start",
  path: "rune start",
  summary: "start the program of a created container",
  arguments: oneContainer,
  options: [],
});

export function parseStart(words: readonly string[]): StartCommand | undefined {
  const parsed = parseCommand(startCommand, words);
  if (parsed.help) return undefined;
  return { verb: "start", id: containerArgument(parsed.positionals) };
}
