// SPDX-License-Identifier: Apache-2.0
/** `rune delete`: removes what is left of a container. */
import type { ContainerId } from "../../oci/container-id.ts";
import { defineCommand } from "../../options/option.ts";
import { parseCommand } from "../../options/parse.ts";
import { containerArgument, oneContainer } from "../container-options.ts";

export type DeleteCommand = {
  readonly verb: "delete";
  readonly id: ContainerId;
  /** Kill it first; a container that does not exist is no error. */
  readonly force: boolean;
};

export const deleteCommand = defineCommand({
  name: "delete",
  path: "rune delete",
  summary: "remove what is left of a stopped container",
  arguments: oneContainer,
  options: [
    {
      name: "force",
      short: "f",
      kind: "flag",
      help: "kill a container that still runs, with SIGKILL; one that does not exist is no error",
    },
  ],
});

export function parseDelete(words: readonly string[]): DeleteCommand | undefined {
  const parsed = parseCommand(deleteCommand, words);
  if (parsed.help) return undefined;
  const id = containerArgument(parsed.positionals);
  return { verb: "delete", id, force: parsed.values.force };
}
