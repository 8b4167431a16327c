// SPDX-License-Identifier: Apache-2.0
import { docker, dockerRuntime } from "../../engines/docker.ts";
import { broken, type Check, missing, ok } from "../check.ts";
import { programFault } from "./engine-program.ts";

export const dockerRuntimeCheck: Check = {
  topic: "docker",
  name: "runtime",
  about:
    "/etc/docker/daemon.json: its syntax, a runtime `rune`, and that what it names can be executed",
  look: (probe, { configRoot }) => {
    const path = `${configRoot}${docker.path}`;
    const install = "rune install --docker";
    const text = probe.text(path);
    if (text === undefined) return missing(`there is no \`${path}\``, install);
    const runtime = dockerRuntime(text, "rune");
    if (runtime === undefined) return missing(`\`${path}\` has no runtime \`rune\``, install);
    if (runtime.type !== undefined) return ok(`\`rune\` is the shim \`${runtime.type}\``);
    if (runtime.path === undefined || runtime.path === "")
      return broken(`\`runtimes.rune\` of \`${path}\` has no path`, install);
    const fault = programFault(probe, configRoot, runtime.path);
    return fault === undefined
      ? ok(`\`rune\` is \`${runtime.path}\``)
      : broken(`\`runtimes.rune.path\` of \`${path}\`: ${fault}`, install);
  },
};
