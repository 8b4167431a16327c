// SPDX-License-Identifier: Apache-2.0
/** `rune completion`: a script that teaches a shell this command line. */
import { defineCommand } from "../../options/option.ts";
import { parseCommand, usageError } from "../../options/parse.ts";

export type CompletionCommand = {
  readonly verb: "completion";
  readonly shell: "bash" | "zsh" | "fish";
};

export const completionCommand = defineCommand({
  name: "completion",
  path: "rune completion",
  summary: "print a completion script for bash, zsh or fish",
  arguments: { usage: "<shell>", minimum: 1, maximum: 1 },
  options: [],
});

export function parseCompletion(words: readonly string[]): CompletionCommand | undefined {
  const parsed = parseCommand(completionCommand, words);
  if (parsed.help) return undefined;
  const [shell] = parsed.positionals;
  if (shell === "bash" || shell === "zsh" || shell === "fish") return { verb: "completion", shell };
  throw usageError(completionCommand, `expected bash, zsh or fish, got \`${shell}\``);
}
