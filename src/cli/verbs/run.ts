// SPDX-License-Identifier: Apache-2.0
/** `rune run`: create, start, wait and delete in one. */
import { defineCommand } from "../../options/option.ts";
import { parseCommand } from "../../options/parse.ts";
import {
  type ContainerStart,
  createOptions,
  oneContainer,
  toContainerStart,
} from "../container-options.ts";

export type RunCommand = ContainerStart & {
  readonly verb: "run";
  readonly detach: boolean;
  /** Leave the stopped container for `rune delete`. */
  readonly keep: boolean;
  readonly noSubreaper: boolean;
};

export const runCommand = defineCommand({
  name: "run",
  path: "rune run",
  summary: "create and start a container",
  arguments: oneContainer,
  options: [
    ...createOptions,
    { name: "detach", short: "d", kind: "flag", help: "return as soon as the program runs" },
    { name: "keep", kind: "flag", help: "do not delete the container when its program ends" },
    {
      name: "no-subreaper",
      kind: "flag",
      help: "leave orphaned processes to whoever reaps for the caller",
    },
  ],
});

export function parseRun(words: readonly string[]): RunCommand | undefined {
  const parsed = parseCommand(runCommand, words);
  if (parsed.help) return undefined;
  return {
    verb: "run",
    ...toContainerStart(parsed.values, parsed.positionals),
    detach: parsed.values.detach,
    keep: parsed.values.keep,
    noSubreaper: parsed.values["no-subreaper"],
  };
}
