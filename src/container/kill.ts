// SPDX-License-Identifier: Apache-2.0
import { isFrozen, thaw } from "../cgroups/freezer.ts";
import { signalAll } from "../cgroups/signal.ts";
import { RuneError } from "../errors/error.ts";
import { ESRCH, SIGKILL } from "../kernel/constants.ts";
import { type Kernel, type Pid, unlessErrno } from "../kernel/kernel.ts";
import type { Deps } from "./deps.ts";
import type { InitProcess } from "./state.ts";
import { isAlive } from "./status.ts";
import { peekState } from "./store.ts";

/**
 * Sends a signal to the container's init, or with `all` to every process of its cgroup, also when
 * init has ended. SIGKILL for one that shares the pid namespace means all of them, as in runc: they
 * would outlive init. A paused container gets its signals when it goes on, which SIGKILL makes it.
 */
export function kill({ kernel, root, step }: Deps, id: string, signal: number, all: boolean): void {
  const { init, cgroup, ownPidNamespace } = peekState(kernel, root, id);
  step?.(`signal ${signal} to ${all ? "every process" : `init, process ${init?.pid}`}`);
  if (all) {
    signalAll(kernel, cgroup, signal);
    return;
  }
  if (signal === SIGKILL && !ownPidNamespace && signalAll(kernel, cgroup, signal) > 0) return;
  if (init === undefined || !signalInit(kernel, init, signal)) {
    const reason = "container not running";
    throw new RuneError({ code: "CONTAINER_NOT_RUNNING", doing: `kill \`${id}\``, reason });
  }
  if (signal === SIGKILL && isFrozen(kernel, cgroup)) thaw(kernel, cgroup);
}

/** Through a pidfd that is checked after it is open: never a stranger with a recycled pid. */
export function signalInit(kernel: Kernel, init: InitProcess, signal: number): boolean {
  const pidfd = unlessErrno(() => kernel.pidfd(init.pid as Pid), ESRCH);
  if (pidfd === undefined) return false;
  try {
    if (!isAlive(kernel, init)) return false;
    const sent = unlessErrno(() => {
      kernel.pidfdSignal(pidfd, signal);
      return true;
    }, ESRCH);
    return sent === true;
  } finally {
    kernel.close(pidfd);
  }
}
