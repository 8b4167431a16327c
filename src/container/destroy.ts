// SPDX-License-Identifier: Apache-2.0
/** Ending a container for good: processes, cgroup, resctrl groups, files. */
import { cgroupPids, removeCgroup } from "../cgroups/cgroup.ts";
import { thawAll } from "../cgroups/freezer.ts";
import type { ContainerUnit } from "../cgroups/unit.ts";
import { RuneError } from "../errors/error.ts";
import { ENOENT, ESRCH, SIGKILL } from "../kernel/constants.ts";
import { type Kernel, type Pid, unlessErrno } from "../kernel/kernel.ts";
import type { Deps } from "./deps.ts";
import type { State } from "./state.ts";
import { isAlive } from "./status.ts";
import type { ContainerDirectory } from "./store.ts";

/** A process in an uninterruptible sleep takes its time; beyond this it is an error. */
const patienceMs = 10_000;

/**
 * Kills what is left and removes everything; the caller releases the directory. `unit` is what systemd
 * is to forget.
 */
export function destroy(
  { kernel, warn, step }: Deps,
  directory: ContainerDirectory,
  state: State,
  unit?: ContainerUnit,
): void {
  const { init, cgroup, intelRdt } = state;
  if (init !== undefined && isAlive(kernel, init)) {
    unlessErrno(() => kernel.kill(init.pid as Pid, SIGKILL), ESRCH);
  }
  killUntil(kernel, state, () => {
    const initGone = init === undefined || !isAlive(kernel, init);
    return initGone && cgroupPids(kernel, cgroup).length === 0;
  });
  step?.("no process is left");
  if (unit !== undefined) stopUnit(unit, warn);
  removeCgroup(kernel, cgroup);
  for (const { path } of cgroup) step?.(`removed cgroup \`${path}\``);
  // Tasks that were in them would go to the class above.
  for (const path of intelRdt?.own ?? []) unlessErrno(() => kernel.rmdir(path), ENOENT);
  directory.remove();
  step?.(`removed \`${directory.path}\``);
}

/** Without its cgroup a scope ends by itself: systemd out of reach is no reason to keep a container. */
function stopUnit(unit: ContainerUnit, warn: Deps["warn"]): void {
  try {
    unit.stop();
  } catch (error) {
    warn(RuneError.from(error, `stop systemd unit \`${unit.record.name}\``).message);
  } finally {
    unit.close();
  }
}

/** Kills everything in the cgroup again and again, as a fork may race with it. */
function killUntil(kernel: Kernel, { id, cgroup }: State, done: () => boolean): void {
  const deadlineMs = kernel.nowMs() + patienceMs;
  for (let waitMs = 1; !done(); waitMs = Math.min(2 * waitMs, 50)) {
    for (const pid of cgroupPids(kernel, cgroup)) {
      unlessErrno(() => kernel.kill(pid as Pid, SIGKILL), ESRCH);
    }
    thawAll(kernel, cgroup); // what is frozen in version 1 would never get its signal
    if (kernel.nowMs() > deadlineMs) {
      const reason = "its processes do not end";
      throw new RuneError({ code: "CONTAINER_STATE", doing: `delete \`${id}\``, reason });
    }
    kernel.sleepMs(waitMs);
  }
}
