// SPDX-License-Identifier: Apache-2.0
/** `rune create`: makes a container and stops short of its program. */
import { defineCommand } from "../../options/option.ts";
import { parseCommand } from "../../options/parse.ts";
import {
  type ContainerStart,
  createOptions,
  oneContainer,
  toContainerStart,
} from "../container-options.ts";

export type CreateCommand = ContainerStart & { readonly verb: "create" };

export const createCommand = defineCommand({
  name: "create",
  path: "rune create",
  summary: "create a container",
  arguments: oneContainer,
  options: [
    ...createOptions,
    // go-runc passes it where its caller detaches; `create` never does anything else.
    { name: "detach", short: "d", kind: "flag", hidden: true, help: "has no effect" },
  ],
});

export function parseCreate(words: readonly string[]): CreateCommand | undefined {
  const parsed = parseCommand(createCommand, words);
  if (parsed.help) return undefined;
  return { verb: "create", ...toContainerStart(parsed.values, parsed.positionals) };
}
