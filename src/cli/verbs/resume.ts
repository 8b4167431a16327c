// SPDX-License-Identifier: Apache-2.0
/** `rune resume`: lets the processes of a paused container go on. */
import type { ContainerId } from "../../oci/container-id.ts";
import { defineCommand } from "../../options/option.ts";
import { parseCommand } from "../../options/parse.ts";
import { containerArgument, oneContainer } from "../container-options.ts";

export type ResumeCommand = { readonly verb: "resume"; readonly id: ContainerId };

export const resumeCommand = defineCommand({
  name: "resume",
  path: "rune resume",
  summary: "let the processes of a paused container go on",
  arguments: oneContainer,
  options: [],
});

export function parseResume(words: readonly string[]): ResumeCommand | undefined {
  const parsed = parseCommand(resumeCommand, words);
  if (parsed.help) return undefined;
  return { verb: "resume", id: containerArgument(parsed.positionals) };
}
