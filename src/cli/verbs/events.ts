// SPDX-License-Identifier: Apache-2.0
/** `rune events`: what a container uses, and that it runs out of memory, as JSON lines. */
import type { ContainerId } from "../../oci/container-id.ts";
import { defineCommand } from "../../options/option.ts";
import { parseCommand, usageError } from "../../options/parse.ts";
import { containerArgument, oneContainer } from "../container-options.ts";
import { parseDuration } from "../duration.ts";

export type EventsCommand = {
  readonly verb: "events";
  /** Absent: the enclaves of all containers. */
  readonly id?: ContainerId;
  /** Absent: once, now. */
  readonly intervalMs?: number;
  /** With what happens to enclaves. */
  readonly json: boolean;
};

export const eventsCommand = defineCommand({
  name: "events",
  path: "rune events",
  summary: "print what a container uses, and when it runs out of memory",
  arguments: { ...oneContainer, usage: "[<container-id>]", minimum: 0 },
  options: [
    {
      name: "interval",
      kind: "string",
      argument: "duration",
      default: "5s",
      help: "time between two statistics: 5s, 100ms, 1m30s",
    },
    {
      name: "json",
      kind: "flag",
      help: "also tell when an enclave starts and ends and when evidence is refused; without a container, of all, and nothing else",
    },
    { name: "stats", kind: "flag", help: "print the statistics of this moment, and end" },
  ],
});

export function parseEvents(words: readonly string[]): EventsCommand | undefined {
  const parsed = parseCommand(eventsCommand, words);
  if (parsed.help) return undefined;
  const { interval, json, stats } = parsed.values;
  const intervalMs = parseDuration(interval);
  if (intervalMs === undefined) {
    throw usageError(
      eventsCommand,
      `flag \`--interval\`: expected a time such as 5s, got \`${interval}\``,
    );
  }
  if (intervalMs <= 0) {
    throw usageError(eventsCommand, "flag `--interval`: expected a time that is greater than 0");
  }
  if (!json && parsed.positionals.length === 0) {
    throw usageError(eventsCommand, "expected a container's id; without one only with `--json`");
  }
  const all = json && parsed.positionals.length === 0;
  const subject = all ? {} : { id: containerArgument(parsed.positionals) };
  return { verb: "events", json, ...subject, ...(stats ? {} : { intervalMs }) };
}
