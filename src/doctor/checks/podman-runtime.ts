// SPDX-License-Identifier: Apache-2.0
import { podmanRuntime } from "../../engines/podman.ts";
import { broken, type Check, missing, ok } from "../check.ts";
import type { Probe } from "../probe.ts";
import { programFault } from "./engine-program.ts";

export const podmanRuntimeCheck: Check = {
  topic: "podman",
  name: "runtime",
  about:
    "containers.conf in /usr/share/containers and /etc/containers, and the drop-ins of /etc/containers/containers.conf.d: a runtime `rune`, and that one of its paths can be executed",
  look: (probe, { configRoot }) => {
    let named: { readonly path: string; readonly programs: readonly string[] } | undefined;
    // The last one that podman reads counts.
    for (const path of files(probe, configRoot)) {
      const text = probe.text(path);
      const programs = text === undefined ? undefined : podmanRuntime(text, path, "rune");
      if (programs !== undefined) named = { path, programs };
    }
    const install = "rune install --podman; without it, podman --runtime PATH";
    if (named === undefined) return missing("no containers.conf has a runtime `rune`", install);
    const faults = named.programs.map((program) => programFault(probe, configRoot, program));
    const index = faults.indexOf(undefined);
    return index >= 0
      ? ok(`\`rune\` is \`${named.programs[index]}\`, by \`${named.path}\``)
      : broken(
          `\`engine.runtimes.rune\` of \`${named.path}\`: ${faults[0] ?? "it names no path"}`,
          install,
        );
  },
};

function files(probe: Probe, configRoot: string): string[] {
  const folder = `${configRoot}/etc/containers/containers.conf.d`;
  const dropIns = (probe.list(folder) ?? []).filter((name) => name.endsWith(".conf")).sort();
  return [
    `${configRoot}/usr/share/containers/containers.conf`,
    `${configRoot}/etc/containers/containers.conf`,
    ...dropIns.map((name) => `${folder}/${name}`),
  ];
}
