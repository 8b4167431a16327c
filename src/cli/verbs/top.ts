// SPDX-License-Identifier: Apache-2.0
/** `rune top`: what containers and their enclaves use, again and again. */
import { defineCommand } from "../../options/option.ts";
import { parseCommand, usageError } from "../../options/parse.ts";
import { parseDuration } from "../duration.ts";

export const sortKeys = ["cpu", "memory", "pids", "epc", "id"] as const;
export type SortKey = (typeof sortKeys)[number];

export type TopCommand = {
  readonly verb: "top";
  readonly intervalMs: number;
  readonly once: boolean;
  readonly json: boolean;
  readonly sort: SortKey;
};

export const topCommand = defineCommand({
  name: "top",
  path: "rune top",
  summary: "show what containers and their enclaves use, live",
  arguments: { usage: "", minimum: 0, maximum: 0 },
  options: [
    {
      name: "interval",
      kind: "string",
      argument: "duration",
      default: "2s",
      help: "time between two looks, over which processor time is counted: 500ms, 2s",
    },
    { name: "once", kind: "flag", help: "print the table once, and end" },
    { name: "json", kind: "flag", help: "print a line of JSON for each look" },
    {
      name: "sort",
      kind: "string",
      argument: "column",
      choices: sortKeys,
      default: "cpu",
      help: "the column that containers are sorted by, largest first",
    },
  ],
});

export function parseTop(words: readonly string[]): TopCommand | undefined {
  const parsed = parseCommand(topCommand, words);
  if (parsed.help) return undefined;
  const { interval, once, json, sort } = parsed.values;
  const intervalMs = parseDuration(interval);
  if (intervalMs === undefined || intervalMs < minimumMs) {
    const expected = `expected a time of at least ${minimumMs}ms, got \`${interval}\``;
    throw usageError(topCommand, `flag \`--interval\`: ${expected}`);
  }
  return { verb: "top", intervalMs, once, json, sort };
}

/** The kernel counts processor time in hundredths of a second. */
const minimumMs = 100;
