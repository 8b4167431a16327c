// SPDX-License-Identifier: Apache-2.0
/** `rune install`: tells container engines of rune. */
import { defineCommand } from "../../options/option.ts";
import { parseCommand, usageError } from "../../options/parse.ts";
import { given } from "../container-options.ts";

export type EngineOption = "docker" | "containerd" | "podman" | "simulation";

export type InstallCommand = {
  readonly verb: "install";
  readonly engines: readonly EngineOption[];
  readonly dryRun: boolean;
  readonly configRoot?: string;
  readonly binary?: string;
};

const engines: readonly EngineOption[] = ["docker", "containerd", "podman", "simulation"];

export const installCommand = defineCommand({
  name: "install",
  path: "rune install",
  summary: "add rune to the configuration of container engines",
  arguments: { usage: "", minimum: 0, maximum: 0 },
  options: [
    { name: "docker", kind: "flag", help: "dockerd: a runtime `rune` in daemon.json" },
    {
      name: "containerd",
      kind: "flag",
      help: "containerd: a runtime handler `rune` of its CRI plugin, for a RuntimeClass",
    },
    { name: "podman", kind: "flag", help: "podman: a runtime `rune`" },
    {
      name: "simulation",
      kind: "flag",
      help: "enclave containers of this node get the simulated platform, which protects nothing",
    },
    { name: "dry-run", kind: "flag", help: "print the difference and write nothing" },
    {
      name: "config-root",
      kind: "string",
      argument: "directory",
      help: "edit what is below this directory, of an image for one; no link is followed there",
    },
    {
      name: "binary",
      kind: "string",
      argument: "path",
      help: "what engines start; this rune, or /usr/bin/rune with --config-root",
    },
  ],
});

export function parseInstall(words: readonly string[]): InstallCommand | undefined {
  const parsed = parseCommand(installCommand, words);
  if (parsed.help) return undefined;
  const { values } = parsed;
  const chosen = engines.filter((name) => values[name]);
  if (chosen.length === 0) {
    const flags = engines.map((name) => `--${name}`).join(", ");
    throw usageError(installCommand, `one or more of ${flags} are needed`);
  }
  if (values.binary !== undefined && !values.binary.startsWith("/")) {
    throw usageError(installCommand, `--binary \`${values.binary}\`: expected an absolute path`);
  }
  return {
    verb: "install",
    engines: chosen,
    dryRun: values["dry-run"],
    ...given("configRoot", values["config-root"]),
    ...given("binary", values.binary),
  };
}
