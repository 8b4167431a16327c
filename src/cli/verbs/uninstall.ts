// SPDX-License-Identifier: Apache-2.0
/** `rune uninstall`: puts back what `rune install` has changed. */
import { defineCommand } from "../../options/option.ts";
import { parseCommand } from "../../options/parse.ts";
import { given } from "../container-options.ts";
import type { EngineOption } from "./install.ts";

export type UninstallCommand = {
  readonly verb: "uninstall";
  readonly engines: readonly EngineOption[];
  readonly dryRun: boolean;
  readonly configRoot?: string;
};

const engines: readonly EngineOption[] = ["docker", "containerd", "podman", "simulation"];

export const uninstallCommand = defineCommand({
  name: "uninstall",
  path: "rune uninstall",
  summary: "put back what `rune install` has changed",
  arguments: { usage: "", minimum: 0, maximum: 0 },
  options: [
    { name: "docker", kind: "flag", help: "dockerd's daemon.json" },
    { name: "containerd", kind: "flag", help: "containerd's config.toml" },
    { name: "podman", kind: "flag", help: "podman's file" },
    { name: "simulation", kind: "flag", help: "the node's platform" },
    { name: "dry-run", kind: "flag", help: "print the difference and write nothing" },
    {
      name: "config-root",
      kind: "string",
      argument: "directory",
      help: "as it was given to `rune install`",
    },
  ],
});

export function parseUninstall(words: readonly string[]): UninstallCommand | undefined {
  const parsed = parseCommand(uninstallCommand, words);
  if (parsed.help) return undefined;
  const { values } = parsed;
  const chosen = engines.filter((name) => values[name]);
  return {
    verb: "uninstall",
    engines: chosen.length === 0 ? engines : chosen,
    dryRun: values["dry-run"],
    ...given("configRoot", values["config-root"]),
  };
}
