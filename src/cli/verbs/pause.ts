// SPDX-License-Identifier: Apache-2.0
/** `rune pause`: stops all processes of a container. */
import type { ContainerId } from "../../oci/container-id.ts";
import { defineCommand } from "../../options/option.ts";
import { parseCommand } from "../../options/parse.ts";
import { containerArgument, oneContainer } from "../container-options.ts";

export type PauseCommand = { readonly verb: "pause"; readonly id: ContainerId };

export const pauseCommand = defineCommand({
  name: "pause",
  path: "rune pause",
  summary: "stop all processes of a container",
  arguments: oneContainer,
  options: [],
});

export function parsePause(words: readonly string[]): PauseCommand | undefined {
  const parsed = parseCommand(pauseCommand, words);
  if (parsed.help) return undefined;
  return { verb: "pause", id: containerArgument(parsed.positionals) };
}
