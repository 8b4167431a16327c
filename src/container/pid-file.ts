// SPDX-License-Identifier: Apache-2.0
import { O_CREAT, O_TRUNC, O_WRONLY } from "../kernel/constants.ts";
import type { Kernel, Pid } from "../kernel/kernel.ts";

/** Writes a pid for an engine: it sees the whole number or no file. */
export function writePidFile(kernel: Kernel, path: string, pid: Pid): void {
  const slash = path.lastIndexOf("/");
  const temporary = `${path.slice(0, slash + 1)}.${path.slice(slash + 1)}`;
  const fd = kernel.open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0o644);
  try {
    kernel.write(fd, new TextEncoder().encode(String(pid)));
    kernel.rename(temporary, path);
  } catch (error) {
    kernel.unlink(temporary);
    throw error;
  } finally {
    kernel.close(fd);
  }
}
