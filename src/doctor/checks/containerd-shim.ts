// SPDX-License-Identifier: Apache-2.0
import { shimType } from "../../engines/containerd.ts";
import { broken, type Check, missing, ok } from "../check.ts";
import { programFault } from "./engine-program.ts";

const shim = "containerd-shim-rune-v2";

export const containerdShim: Check = {
  topic: "containerd",
  name: "shim",
  about: `\`${shim}\` is in PATH, where containerd looks for \`${shimType}\``,
  look: (probe) => {
    const found = probe.which(shim);
    if (found === undefined) {
      return missing(
        `\`${shim}\` is not in PATH, so that containerd does not find \`${shimType}\``,
        "install it in /usr/bin or /usr/local/bin: containerd's own PATH counts, systemctl show -p Environment containerd",
      );
    }
    const fault = programFault(probe, "", found);
    return fault === undefined ? ok(`\`${found}\``) : broken(fault, `chmod 0755 ${found}`);
  },
};
