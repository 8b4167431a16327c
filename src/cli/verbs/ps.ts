// SPDX-License-Identifier: Apache-2.0
/** `rune ps`: the processes of a container. */
import type { ContainerId } from "../../oci/container-id.ts";
import { defineCommand } from "../../options/option.ts";
import { parseCommand } from "../../options/parse.ts";
import { containerArgument } from "../container-options.ts";

export type PsCommand = {
  readonly verb: "ps";
  readonly id: ContainerId;
  readonly format: "table" | "json";
  /** For ps(1); only the table uses them. */
  readonly arguments: readonly string[];
};

export const psCommand = defineCommand({
  name: "ps",
  path: "rune ps",
  summary: "list the processes of a container",
  arguments: {
    usage: "<container-id> [ps options]",
    minimum: 1,
    maximum: Number.POSITIVE_INFINITY,
    ofProgram: true,
  },
  options: [
    {
      name: "format",
      short: "f",
      kind: "string",
      argument: "format",
      choices: ["table", "json"],
      default: "table",
      help: "json prints pids alone",
    },
  ],
});

export function parsePs(words: readonly string[]): PsCommand | undefined {
  const parsed = parseCommand(psCommand, words);
  if (parsed.help) return undefined;
  return {
    verb: "ps",
    id: containerArgument(parsed.positionals),
    format: parsed.values.format,
    arguments: parsed.positionals.slice(1),
  };
}
