// SPDX-License-Identifier: Apache-2.0
/** `rune list`: the containers below the state root. */
import { defineCommand } from "../../options/option.ts";
import { parseCommand } from "../../options/parse.ts";

export type ListCommand = {
  readonly verb: "list";
  readonly format: "table" | "json";
  /** Ids only, one a line; beats the format. */
  readonly quiet: boolean;
};

export const listCommand = defineCommand({
  name: "list",
  path: "rune list",
  summary: "list containers",
  arguments: { usage: "", minimum: 0, maximum: 0 },
  options: [
    {
      name: "format",
      short: "f",
      kind: "string",
      argument: "format",
      choices: ["table", "json"],
      default: "table",
      help: "how the list is printed",
    },
    { name: "quiet", short: "q", kind: "flag", help: "print ids only, one a line" },
  ],
});

export function parseList(words: readonly string[]): ListCommand | undefined {
  const parsed = parseCommand(listCommand, words);
  if (parsed.help) return undefined;
  return { verb: "list", format: parsed.values.format, quiet: parsed.values.quiet };
}
