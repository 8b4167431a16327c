// SPDX-License-Identifier: Apache-2.0
/** The kernel as a verb sees it that acts for a pod: processes are the monitor's, all else is done here. */

import { RuneError } from "../errors/error.ts";
import type { Fd, Kernel, Pid } from "../kernel/kernel.ts";
import { plannerCalls } from "../kernel/planner-calls.ts";
import type { MonitorLink } from "./monitor-link.ts";

/** 0, 1 and 2 of what is started. */
export type Stdio = readonly [Fd, Fd, Fd];

/** Another command that holds a container's lock, because of a hook, does not keep the server for longer. */
const lockPatienceMs = 2000;

export function monitorKernel(
  inner: Kernel,
  link: MonitorLink,
  stdio?: Stdio,
  tryLock: (fd: Fd) => boolean = plannerCalls.tryLock,
): Kernel {
  const inherited = new Set<Fd>();
  return {
    ...inner,
    open: (path, flags, mode) => inner.open(ofMonitor(path, link.pid), flags, mode),
    readlink: (path) => inner.readlink(ofStdio(path, stdio)),
    close: (fd) => {
      inherited.delete(fd);
      inner.close(fd);
    },
    setInherited: (fd, inherit) => {
      if (inherit) inherited.add(fd);
      else inherited.delete(fd);
    },
    lock: (fd) => {
      const deadlineMs = inner.nowMs() + lockPatienceMs;
      for (let waitMs = 1; !tryLock(fd); waitMs = Math.min(2 * waitMs, 50)) {
        if (inner.nowMs() > deadlineMs) throw busy();
        inner.sleepMs(waitMs);
      }
    },
    pid: () => link.pid,
    spawn: (program) => {
      const self = /^\/proc\/self\/fd\/(\d+)$/.exec(program.path)?.[1];
      const own = self === undefined ? [] : [Number(self) as Fd];
      const numbered = [...new Set([...inherited, ...own])].map((fd) => ({ number: fd, fd }));
      const standard = (stdio ?? []).map((fd, number) => ({ number, fd }));
      return link.spawn({
        ...program,
        descriptors: [...standard, ...numbered],
        kept: [...standard.map(({ number }) => number), ...inherited],
      });
    },
    reap: (pid: Pid) => link.reap(pid),
    reapChildren: () => true, // the monitor does, whatever has ended
  };
}

function busy(): RuneError {
  const reason = "another command is at work on it";
  return new RuneError({ code: "CONTAINER_STATE", doing: "lock the container", reason });
}

/** What a process asks about itself is asked about the one that its children are of. */
function ofMonitor(path: string, pid: Pid): string {
  return path === "/proc/self/cgroup" ? `/proc/${pid}/cgroup` : path;
}

function ofStdio(path: string, stdio: Stdio | undefined): string {
  const number = /^\/proc\/self\/fd\/([012])$/.exec(path)?.[1];
  return number === undefined || stdio === undefined
    ? path
    : `/proc/self/fd/${stdio[Number(number)]}`;
}
