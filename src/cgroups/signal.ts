// SPDX-License-Identifier: Apache-2.0
/** A signal for every process of a cgroup. */
import { RuneError } from "../errors/error.ts";
import { EACCES, ENOENT, EPERM, ESRCH, SIGKILL } from "../kernel/constants.ts";
import { type Kernel, type Pid, unlessErrno, writeFile } from "../kernel/kernel.ts";
import { type CgroupDirectory, cgroupPids, unifiedPath } from "./cgroup.ts";
import { freeze, isFrozen, thaw, thawAll } from "./freezer.ts";

/** A cgroup that takes longer to stop gets its signals while it runs. */
const freezePatienceMs = 1000;

/**
 * Sends the signal to every process in the cgroup and below; returns how many there were. The cgroup
 * is frozen meanwhile: nothing is forked past the list, no pid becomes another process's. One that
 * was paused stays paused, except that SIGKILL lets it go on to its end.
 */
export function signalAll(
  kernel: Kernel,
  directories: readonly CgroupDirectory[],
  signal: number,
): number {
  if (signal === SIGKILL) return killAll(kernel, directories);
  const wasFrozen = isFrozen(kernel, directories);
  const frozen = wasFrozen || tryFreeze(kernel, directories);
  try {
    return signalEach(kernel, directories, signal);
  } finally {
    if (frozen && !wasFrozen) thaw(kernel, directories);
  }
}

/**
 * SIGKILL through `cgroup.kill` (kernel 5.14), which misses nobody, then to whoever is only in the
 * version 1 hierarchies; those are thawed, or the signal would wait for ever.
 */
function killAll(kernel: Kernel, directories: readonly CgroupDirectory[]): number {
  const count = cgroupPids(kernel, directories).length;
  if (killUnified(kernel, directories) && directories.every(({ version }) => version === 2)) {
    return count;
  }
  const frozen = !isFrozen(kernel, directories) && tryFreeze(kernel, directories);
  try {
    return Math.max(count, signalEach(kernel, directories, SIGKILL));
  } finally {
    if (frozen) thaw(kernel, directories);
    thawAll(kernel, directories);
  }
}

function killUnified(kernel: Kernel, directories: readonly CgroupDirectory[]): boolean {
  const path = unifiedPath(directories);
  if (path === undefined) return false;
  const written = unlessErrno(
    () => {
      writeFile(kernel, `${path}/cgroup.kill`, "1");
      return true;
    },
    ENOENT,
    EACCES,
    EPERM,
  );
  return written === true;
}

function signalEach(
  kernel: Kernel,
  directories: readonly CgroupDirectory[],
  signal: number,
): number {
  const pids = cgroupPids(kernel, directories);
  let refusal: RuneError | undefined;
  for (const pid of pids) {
    try {
      // The list is of the kernel's making.
      unlessErrno(() => kernel.kill(pid as Pid, signal), ESRCH);
    } catch (error) {
      refusal ??= RuneError.from(error, `signal process ${pid}`);
    }
  }
  if (refusal !== undefined) throw refusal;
  return pids.length;
}

/** Without the right to, or in a cgroup that does not stop, signals are sent all the same. */
function tryFreeze(kernel: Kernel, directories: readonly CgroupDirectory[]): boolean {
  try {
    freeze(kernel, directories, freezePatienceMs);
    return true;
  } catch {
    return false;
  }
}
