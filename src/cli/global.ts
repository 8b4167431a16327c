// SPDX-License-Identifier: Apache-2.0
/** Options that stand before the verb. */

import { defineCommand, type OptionValues } from "../options/option.ts";
import { type LogLevel, logLevels } from "./log.ts";

export const programOptions = [
  {
    name: "root",
    kind: "string",
    argument: "path",
    help: "directory of container state; /run/rune, or $XDG_RUNTIME_DIR/rune for a caller without root",
  },
  {
    name: "log",
    kind: "string",
    argument: "path",
    help: "append log records to this file instead of writing them to standard error",
  },
  {
    name: "log-format",
    kind: "string",
    argument: "format",
    choices: ["text", "json"],
    default: "text",
    help: "how log records are written",
  },
  {
    name: "config",
    kind: "string",
    argument: "path",
    help: "the node's configuration; /etc/inclavare-containers/config.toml unless given",
  },
  { name: "debug", kind: "flag", help: "log what is done, step by step: --log-level debug" },
  {
    name: "log-level",
    kind: "string",
    argument: "level",
    choices: logLevels,
    help: "what is logged: records of this level and above, info unless given; trace has every system call of rune itself",
  },
  {
    name: "systemd-cgroup",
    kind: "flag",
    help: "let systemd manage cgroups; `cgroupsPath` is then slice:prefix:name",
  },
  {
    name: "rootless",
    kind: "string",
    argument: "mode",
    choices: ["true", "false", "auto"],
    default: "auto",
    help: "do without cgroups that may not be made, if nothing is asked of them; auto: unless the caller is the host's root",
  },
  {
    name: "criu",
    kind: "string",
    argument: "path",
    default: "criu",
    help: "criu's program, for checkpoint and restore; looked for in $PATH",
  },
  { name: "version", short: "v", kind: "flag", help: "print the version" },
] as const;

export const programCommand = defineCommand({
  name: "rune",
  path: "rune",
  summary: "runs OCI containers and starts enclaves in them",
  arguments: { usage: "", minimum: 0, maximum: Number.POSITIVE_INFINITY, ofProgram: true },
  options: programOptions,
});

export type GlobalOptions = {
  /** As given; `stateRoot` has the default. */
  readonly root?: string;
  readonly log?: string;
  /** Absent: the usual place. */
  readonly config?: string;
  readonly logFormat: "text" | "json";
  readonly logLevel: LogLevel;
  readonly systemdCgroup: boolean;
  readonly rootless: "true" | "false" | "auto";
  /** A path, or a name to look for. */
  readonly criu: string;
};

export function toGlobalOptions(values: OptionValues<typeof programOptions>): GlobalOptions {
  return {
    ...(values.root === undefined ? {} : { root: values.root }),
    ...(values.log === undefined || values.log === "" ? {} : { log: values.log }),
    ...(values.config === undefined || values.config === "" ? {} : { config: values.config }),
    logFormat: values["log-format"],
    logLevel: values["log-level"] ?? (values.debug ? "debug" : "info"),
    systemdCgroup: values["systemd-cgroup"],
    rootless: values.rootless,
    criu: values.criu === "" ? "criu" : values.criu,
  };
}
