// SPDX-License-Identifier: Apache-2.0
import { containerd, criRuntime } from "../../engines/containerd.ts";
import { type Check, missing, ok } from "../check.ts";

export const containerdConfig: Check = {
  topic: "containerd",
  name: "config",
  about: "/etc/containerd/config.toml: its syntax, and its version (1, 2 or 3)",
  optional: true,
  look: (probe, { configRoot }) => {
    const path = `${configRoot}${containerd.path}`;
    const text = probe.text(path);
    if (text === undefined)
      return missing(
        `there is no \`${path}\`: containerd's defaults hold, which do for ctr`,
        "rune install --containerd, for pods",
      );
    return ok(`\`${path}\`, version ${criRuntime(text, "rune").version}`);
  },
};
