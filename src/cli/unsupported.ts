// SPDX-License-Identifier: Apache-2.0
/**
 * Flags that are parsed but not yet honoured. Doing something other than was asked would be worse
 * than failing: a program that should be confined by a profile would run without it. An entry goes
 * when its feature comes.
 */
import { RuneError } from "../errors/error.ts";
import type { Command } from "./table.ts";

/** @throws RuneError CONFIG_UNSUPPORTED that names the flag */
export function refuseUnsupported(command: Command): void {
  const flag = unsupportedFlag(command);
  if (flag === undefined) return;
  throw new RuneError({
    code: "CONFIG_UNSUPPORTED",
    doing: `rune ${command.verb}`,
    reason: `flag \`--${flag}\` is not supported by this version`,
  });
}

function unsupportedFlag(command: Command): string | undefined {
  switch (command.verb) {
    case "create":
    case "run":
      return undefined;
    case "exec":
      return command.cgroups.length > 0 ? "cgroup" : undefined;
    default:
      // The other verbs have no such flags; containers that exist have cgroups of a kind we know.
      return undefined;
  }
}
