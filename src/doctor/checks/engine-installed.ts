// SPDX-License-Identifier: Apache-2.0
import { type Check, missing, ok } from "../check.ts";

export const dockerProgram: Check = engineProgram("docker", "dockerd", "apt-get install docker.io");
export const containerdProgram: Check = engineProgram(
  "containerd",
  "containerd",
  "apt-get install containerd",
);
export const podmanProgram: Check = engineProgram("podman", "podman", "apt-get install podman");

function engineProgram(
  topic: "docker" | "containerd" | "podman",
  program: string,
  install: string,
): Check {
  return {
    topic,
    name: "engine",
    about: `\`${program}\` is in PATH`,
    look: (probe) => {
      const found = probe.which(program);
      return found === undefined
        ? missing(`\`${program}\` is not in PATH`, install)
        : ok(`\`${found}\``);
    },
  };
}
