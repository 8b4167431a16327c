// SPDX-License-Identifier: Apache-2.0
import { O_DIRECTORY, O_RDONLY } from "../kernel/constants.ts";
import type { Fd, Kernel } from "../kernel/kernel.ts";

/**
 * Connects to the agent of the container whose directory that is, through the directory's descriptor:
 * its path may be longer than a socket address.
 */
export function connectAgent(kernel: Kernel, path: string): Fd {
  const directory = kernel.open(path, O_RDONLY | O_DIRECTORY);
  try {
    return kernel.connectUnix(`/proc/self/fd/${directory}/agent.sock`);
  } finally {
    kernel.close(directory);
  }
}
