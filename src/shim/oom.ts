// SPDX-License-Identifier: Apache-2.0
import type { CgroupDirectory } from "../cgroups/cgroup.ts";
import { RuneError } from "../errors/error.ts";
import { ENOENT, O_RDONLY } from "../kernel/constants.ts";
import { type Kernel, unlessErrno, writeFile } from "../kernel/kernel.ts";
import type { MonitorLink } from "./monitor-link.ts";

/** Has the monitor tell when the container runs out of memory, where the host counts it. */
export function watchMemory(
  kernel: Kernel,
  link: MonitorLink,
  token: bigint,
  cgroup: readonly CgroupDirectory[],
  warn: (message: string) => void,
): void {
  const memory = cgroup.find(({ controllers }) => controllers.includes("memory"));
  const unified = cgroup.find(({ version }) => version === 2);
  try {
    if (memory !== undefined) {
      link.watchOom(token, eventOf(kernel, memory.path), 1);
    } else if (unified !== undefined) {
      const events = unlessErrno(
        () => kernel.open(`${unified.path}/memory.events`, O_RDONLY),
        ENOENT,
      );
      if (events !== undefined) link.watchOom(token, events, 2);
    }
  } catch (error) {
    warn(`nobody will tell when memory runs out: ${RuneError.from(error, "watch").message}`);
  }
}

/** memory.rst of version 1, "OOM Control". */
function eventOf(kernel: Kernel, path: string) {
  const event = kernel.eventFd();
  const control = kernel.open(`${path}/memory.oom_control`, O_RDONLY);
  try {
    writeFile(kernel, `${path}/cgroup.event_control`, `${event} ${control}`);
    return event;
  } catch (error) {
    kernel.close(event);
    throw error;
  } finally {
    kernel.close(control);
  }
}
