// SPDX-License-Identifier: Apache-2.0
/** `rune restore`: a container from what `checkpoint` has written. */
import type { RestoreRequest } from "../../container/restore.ts";
import { defineCommand } from "../../options/option.ts";
import { parseCommand } from "../../options/parse.ts";
import { bundleOption, containerArgument, given, oneContainer } from "../container-options.ts";
import { criuOptions, toSharedRequest } from "../criu-options.ts";

export type RestoreCommand = RestoreRequest & { readonly verb: "restore" };

export const restoreCommand = defineCommand({
  name: "restore",
  path: "rune restore",
  summary: "make a container again from the files of a checkpoint",
  arguments: oneContainer,
  options: [
    ...criuOptions,
    bundleOption,
    {
      name: "console-socket",
      kind: "string",
      argument: "path",
      help: "unix socket that receives the terminal's master side",
    },
    {
      name: "pid-file",
      kind: "string",
      argument: "path",
      help: "file that receives the process id",
    },
    { name: "detach", short: "d", kind: "flag", help: "return as soon as the container runs" },
    {
      name: "no-subreaper",
      kind: "flag",
      help: "leave orphaned processes to whoever reaps for the caller",
    },
    {
      name: "no-pivot",
      kind: "flag",
      help: "accepted, as with runc: criu enters the root file system in its own way",
    },
    {
      name: "lsm-profile",
      kind: "string",
      argument: "type:label",
      help: "label of the processes in the place of theirs: `apparmor:NAME`, `selinux:LABEL`",
    },
    {
      name: "lsm-mount-context",
      kind: "string",
      argument: "label",
      help: "SELinux label of the mounts in the place of theirs",
    },
    {
      name: "parent-path",
      kind: "string",
      argument: "path",
      hidden: true,
      help: "accepted from engines that pass what they gave to checkpoint: the images know their parent",
    },
  ],
});

export function parseRestore(words: readonly string[]): RestoreCommand | undefined {
  const parsed = parseCommand(restoreCommand, words);
  if (parsed.help) return undefined;
  const { values } = parsed;
  return {
    verb: "restore",
    id: containerArgument(parsed.positionals),
    bundle: values.bundle || ".",
    ...toSharedRequest(restoreCommand, values),
    ...given("consoleSocket", values["console-socket"]),
    ...given("pidFile", values["pid-file"]),
    ...given("lsmProfile", values["lsm-profile"]),
    ...given("lsmMountContext", values["lsm-mount-context"]),
    detach: values.detach,
    subreaper: !values["no-subreaper"],
  };
}
