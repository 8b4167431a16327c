// SPDX-License-Identifier: Apache-2.0
/** `rune state`: prints the state of a container as JSON. */
import type { ContainerId } from "../../oci/container-id.ts";
import { defineCommand } from "../../options/option.ts";
import { parseCommand } from "../../options/parse.ts";
import { containerArgument, oneContainer } from "../container-options.ts";

export type StateCommand = { readonly verb: "state"; readonly id: ContainerId };

export const stateCommand = defineCommand({
  name: "state",
  path: "rune state",
  summary: "print the state of a container as JSON",
  arguments: oneContainer,
  options: [],
});

export function parseState(words: readonly string[]): StateCommand | undefined {
  const parsed = parseCommand(stateCommand, words);
  if (parsed.help) return undefined;
  return { verb: "state", id: containerArgument(parsed.positionals) };
}
