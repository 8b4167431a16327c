// SPDX-License-Identifier: Apache-2.0
import { containerd, criRuntime, shimType } from "../../engines/containerd.ts";
import { broken, type Check, missing, ok } from "../check.ts";
import { programFault } from "./engine-program.ts";

/** Which handlers a node has is all that can be seen from it; the RuntimeClass is the cluster's. */
export const kubernetesHandler: Check = {
  topic: "kubernetes",
  name: "handler",
  about: "the runtime handler `rune` of containerd's CRI plugin, which a RuntimeClass names",
  look: (probe, { configRoot }) => {
    const path = `${configRoot}${containerd.path}`;
    const install = "rune install --containerd, then a RuntimeClass whose handler is `rune`";
    const text = probe.text(path);
    if (text === undefined) return missing(`there is no \`${path}\``, install);
    const { type, binary, criDisabled, version } = criRuntime(text, "rune");
    if (criDisabled) {
      return broken(
        `\`disabled_plugins\` of \`${path}\` switches the CRI plugin off`,
        "remove it there, then systemctl restart containerd",
      );
    }
    if (type === undefined)
      return missing(`\`${path}\` (version ${version}) has no runtime \`rune\``, install);
    if (type === shimType) return ok(`\`rune\` is \`${type}\``);
    if (binary === undefined) {
      return broken(
        `\`rune\` of \`${path}\` is \`${type}\`, which starts another runtime`,
        `runtime_type = "${shimType}", or options with BinaryName = "/usr/bin/rune"`,
      );
    }
    const fault = programFault(probe, configRoot, binary);
    return fault === undefined
      ? ok(`\`rune\` is \`${type}\` with \`${binary}\``)
      : broken(`BinaryName of \`${path}\`: ${fault}`, install);
  },
};
