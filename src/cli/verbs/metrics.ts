// SPDX-License-Identifier: Apache-2.0
/** `rune metrics`: containers and what is counted of them, for Prometheus. */
import { defineCommand } from "../../options/option.ts";
import { parseCommand, usageError } from "../../options/parse.ts";

export type MetricsCommand = {
  readonly verb: "metrics";
  /** Written in one step, in place of what was there; absent: printed. */
  readonly output?: string;
};

export const metricsCommand = defineCommand({
  name: "metrics",
  path: "rune metrics",
  summary: "print containers, their usage and failures as Prometheus text",
  arguments: { usage: "", minimum: 0, maximum: 0 },
  options: [
    {
      name: "output",
      short: "o",
      kind: "string",
      argument: "file",
      help: "write this file, for a textfile collector, in one step",
    },
  ],
});

export function parseMetrics(words: readonly string[]): MetricsCommand | undefined {
  const parsed = parseCommand(metricsCommand, words);
  if (parsed.help) return undefined;
  const { output } = parsed.values;
  if (output === "") throw usageError(metricsCommand, "flag `--output`: expected a file's path");
  return { verb: "metrics", ...(output === undefined ? {} : { output }) };
}
