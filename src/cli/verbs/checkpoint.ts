// SPDX-License-Identifier: Apache-2.0
/** `rune checkpoint`: a container's processes as files, from which `restore` makes them again. */
import type { CheckpointRequest } from "../../container/checkpoint.ts";
import { defineCommand } from "../../options/option.ts";
import { parseCommand, usageError } from "../../options/parse.ts";
import { containerArgument, given, oneContainer } from "../container-options.ts";
import { criuOptions, toSharedRequest } from "../criu-options.ts";

export type CheckpointCommand = CheckpointRequest & { readonly verb: "checkpoint" };

export const checkpointCommand = defineCommand({
  name: "checkpoint",
  path: "rune checkpoint",
  summary: "write a container's processes to files and end it",
  arguments: oneContainer,
  options: [
    ...criuOptions,
    {
      name: "parent-path",
      kind: "string",
      argument: "path",
      help: "images of an earlier --pre-dump, relative to --image-path: only what has changed is written",
    },
    { name: "leave-running", kind: "flag", help: "let the container go on" },
    {
      name: "pre-dump",
      kind: "flag",
      help: "write only memory and let the container go on, so that the later checkpoint is short",
    },
    {
      name: "page-server",
      kind: "string",
      argument: "address:port",
      help: "send memory to the page server there (`criu page-server`)",
    },
    {
      name: "status-fd",
      kind: "integer",
      argument: "fd",
      minimum: -1,
      maximum: 65536,
      default: -1,
      help: "open descriptor that gets a NUL byte once lazy pages are served",
    },
  ],
});

export function parseCheckpoint(words: readonly string[]): CheckpointCommand | undefined {
  const parsed = parseCommand(checkpointCommand, words);
  if (parsed.help) return undefined;
  const { values } = parsed;
  const statusFd = values["status-fd"];
  return {
    verb: "checkpoint",
    id: containerArgument(parsed.positionals),
    ...toSharedRequest(checkpointCommand, values),
    ...given("parentPath", values["parent-path"]),
    leaveRunning: values["leave-running"],
    preDump: values["pre-dump"],
    tcpSkipInFlight: values["tcp-skip-in-flight"],
    ...pageServer(values["page-server"]),
    ...(statusFd < 0 ? {} : { statusFd }),
  };
}

/** "host:port", "[::1]:port". */
function pageServer(text = ""): Pick<CheckpointRequest, "pageServer"> {
  if (text === "") return {};
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+)):([0-9]{1,5})$/.exec(text) ?? [];
  const address = bracketed ?? plain;
  const port = Number(digits);
  if (address === undefined || port < 1 || port > 65535) {
    const reason = `expected \`--page-server\` to be ADDRESS:PORT, got \`${text}\``;
    throw usageError(checkpointCommand, reason);
  }
  return { pageServer: { address, port } };
}
