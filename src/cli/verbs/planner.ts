// SPDX-License-Identifier: Apache-2.0
/** `rune planner`: keeps engines that are started already, for the verbs to come. */
import { defineCommand } from "../../options/option.ts";
import { parseCommand, usageError } from "../../options/parse.ts";
import { parseDuration } from "../duration.ts";

export type PlannerCommand = {
  readonly verb: "planner";
  /** Absent: the usual place, or the socket that systemd has passed. */
  readonly socket?: string;
  /** The planner ends when nothing has been asked of it for so long; 0: never. */
  readonly idleMs: number;
  readonly workers: number;
};

const workersMax = 64;

export const plannerCommand = defineCommand({
  name: "planner",
  path: "rune planner",
  summary: "keep started engines, so that other commands need not start their own",
  arguments: { usage: "", minimum: 0, maximum: 0 },
  options: [
    {
      name: "socket",
      kind: "string",
      argument: "path",
      help: "where to listen; /run/inclavare/planner.sock, or $XDG_RUNTIME_DIR/inclavare/planner.sock for a caller without root; systemd's socket where it has passed one",
    },
    {
      name: "idle-timeout",
      kind: "string",
      argument: "duration",
      default: "5m",
      help: "end when nothing has been asked for so long: 30s, 5m; 0: never",
    },
    {
      name: "workers",
      kind: "string",
      argument: "number",
      default: "8",
      help: "how many engines there may be at most",
    },
  ],
});

export function parsePlanner(words: readonly string[]): PlannerCommand | undefined {
  const parsed = parseCommand(plannerCommand, words);
  if (parsed.help) return undefined;
  const { socket, workers } = parsed.values;
  const idle = parsed.values["idle-timeout"];
  const idleMs = parseDuration(idle);
  if (idleMs === undefined || idleMs < 0) {
    throw usageError(
      plannerCommand,
      `flag \`--idle-timeout\`: expected a time such as 5m, got \`${idle}\``,
    );
  }
  const count = /^[0-9]{1,3}$/.test(workers) ? Number(workers) : 0;
  if (count < 1 || count > workersMax) {
    const wanted = `expected a number from 1 to ${workersMax}, got \`${workers}\``;
    throw usageError(plannerCommand, `flag \`--workers\`: ${wanted}`);
  }
  return {
    verb: "planner",
    idleMs,
    workers: count,
    ...(socket === undefined ? {} : { socket }),
  };
}
