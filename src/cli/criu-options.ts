// SPDX-License-Identifier: Apache-2.0
/** Options that checkpoint and restore share. */
import type { CommandSpec, OptionValues } from "../options/option.ts";
import { usageError } from "../options/parse.ts";
import { given } from "./container-options.ts";

/** Where runc looks for images when it is not told. */
const defaultImagePath = "checkpoint";

export const criuOptions = [
  {
    name: "image-path",
    kind: "string",
    argument: "path",
    help: "directory of the images; `checkpoint` in the current directory unless given",
  },
  {
    name: "work-path",
    kind: "string",
    argument: "path",
    help: "directory of criu's logs; that of the images unless given",
  },
  {
    name: "tcp-established",
    kind: "flag",
    help: "take open TCP connections along; the other side must still be there on restore",
  },
  {
    name: "tcp-skip-in-flight",
    kind: "flag",
    help: "on checkpoint: leave TCP connections out that are still being made",
  },
  {
    name: "link-remap",
    kind: "flag",
    help: "give files that are open and deleted a name again, to take them along",
  },
  {
    name: "ext-unix-sk",
    kind: "flag",
    help: "allow unix sockets whose other end is outside; they are connected again by name",
  },
  {
    name: "shell-job",
    kind: "flag",
    help: "allow processes whose session or terminal is the caller's",
  },
  { name: "file-locks", kind: "flag", help: "take file locks along" },
  {
    name: "lazy-pages",
    kind: "flag",
    help: "leave memory where it is and fetch pages when they are touched (userfaultfd)",
  },
  {
    name: "manage-cgroups-mode",
    kind: "string",
    argument: "mode",
    choices: ["soft", "full", "strict", "ignore"],
    help: "what criu does about cgroups and their settings; soft unless given",
  },
  {
    name: "empty-ns",
    kind: "list",
    argument: "type",
    help: "namespace that starts again empty: only `network`, which always does",
  },
  {
    name: "auto-dedup",
    kind: "flag",
    help: "drop memory of earlier images that later ones have",
  },
] as const;

/** @throws RuneError USAGE */
export function toSharedRequest(spec: CommandSpec, values: OptionValues<typeof criuOptions>) {
  for (const type of values["empty-ns"]) {
    if (type === "network") continue;
    throw usageError(spec, `namespace \`${type}\` cannot start empty, only \`network\` can`);
  }
  const mode = values["manage-cgroups-mode"];
  return {
    imagePath: values["image-path"] || defaultImagePath,
    ...given("workPath", values["work-path"]),
    tcpEstablished: values["tcp-established"],
    linkRemap: values["link-remap"],
    extUnixSk: values["ext-unix-sk"],
    shellJob: values["shell-job"],
    fileLocks: values["file-locks"],
    lazyPages: values["lazy-pages"],
    autoDedup: values["auto-dedup"],
    ...(mode === undefined ? {} : { manageCgroupsMode: mode }),
  };
}
