// SPDX-License-Identifier: Apache-2.0
/** `rune kill`: sends a signal to a container. */
import type { ContainerId } from "../../oci/container-id.ts";
import { parseSignal } from "../../oci/signals.ts";
import { defineCommand } from "../../options/option.ts";
import { parseCommand, usageError } from "../../options/parse.ts";
import { containerArgument } from "../container-options.ts";

export type KillCommand = {
  readonly verb: "kill";
  readonly id: ContainerId;
  /** 0 to 64. */
  readonly signal: number;
  /** Every process of the container, not its init alone. */
  readonly all: boolean;
};

export const killCommand = defineCommand({
  name: "kill",
  path: "rune kill",
  summary: "send a signal to a container's init process",
  arguments: { usage: "<container-id> [signal]", minimum: 1, maximum: 2 },
  options: [
    {
      name: "all",
      short: "a",
      kind: "flag",
      help: "send the signal to every process of the container",
    },
  ],
});

export function parseKill(words: readonly string[]): KillCommand | undefined {
  const parsed = parseCommand(killCommand, words);
  if (parsed.help) return undefined;
  const text = parsed.positionals[1] ?? "SIGTERM";
  const signal = parseSignal(text);
  if (signal === undefined) {
    throw usageError(killCommand, `expected a signal's name or number, got \`${text}\``);
  }
  return {
    verb: "kill",
    id: containerArgument(parsed.positionals),
    signal,
    all: parsed.values.all,
  };
}
