// SPDX-License-Identifier: Apache-2.0
import { broken, type Check, missing, ok } from "../check.ts";

const programs = ["runelet", "init-runelet", "kernel.node"];

export const containersPrograms: Check = {
  topic: "containers",
  name: "programs",
  about:
    "the small programs beside the engine, which start containers: runelet, init-runelet, kernel.node",
  look: (probe, { libDir }) => {
    for (const name of programs) {
      const path = `${libDir}/${name}`;
      const found = probe.stat(path);
      if (found === undefined) return missing(`\`${path}\` is not there`, "install rune again");
      if ((found.mode & 0o022) !== 0) {
        return broken(
          `\`${path}\` may be written by others, and root runs it`,
          `chmod go-w ${path}`,
        );
      }
      // A library is mapped, not executed: Debian's policy (10.9) has it 0644.
      if (!name.endsWith(".node") && (found.mode & 0o111) === 0)
        return broken(`\`${path}\` may not be executed`, `chmod 0755 ${path}`);
    }
    return ok(`in \`${libDir}\``);
  },
};
