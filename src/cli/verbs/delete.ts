// SPDX-License-Identifier: Apache-2.0
/** `rune delete`: removes what is left of containers. */
import { type ContainerId, parseContainerId } from "../../oci/container-id.ts";
import { defineCommand } from "../../options/option.ts";
import { parseCommand } from "../../options/parse.ts";

export type DeleteCommand = {
  readonly verb: "delete";
  /** At least one. */
  readonly ids: readonly ContainerId[];
  /** Kill it first; a container that does not exist is no error. */
  readonly force: boolean;
};

export const deleteCommand = defineCommand({
  name: "delete",
  path: "rune delete",
  summary: "remove what is left of stopped containers",
  arguments: {
    usage: "<container-id> [container-id...]",
    minimum: 1,
    maximum: Number.POSITIVE_INFINITY,
  },
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
  const ids = parsed.positionals.map(parseContainerId);
  return { verb: "delete", ids, force: parsed.values.force };
}
