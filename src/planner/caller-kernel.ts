// SPDX-License-Identifier: Apache-2.0
/**
 * The kernel as a worker's verb sees it: processes are the front's, waits end when the front does, and
 * all else is done here (docs/protocol/planner.md). Descriptors below {@link firstOwn} are the caller's.
 */
import { ECHILD } from "../kernel/constants.ts";
import type { Awaited, Fd, Kernel, Pid, Program } from "../kernel/kernel.ts";
import { unlessErrno } from "../kernel/kernel.ts";
import type { PlannerCalls } from "../kernel/planner-calls.ts";
import { trackDescriptors } from "../kernel/tracked.ts";
import type { FrontLink } from "./link.ts";

/** The worker has all numbers below in use, so that none of its own gets one. */
export const firstOwn = 64;

/** A pipe that can be written to takes this much without waiting: pipe(7), PIPE_BUF. */
const writeMaxBytes = 4096;

export type CallerKernel = {
  readonly kernel: Kernel;
  /** Closes what the verb has left open. */
  readonly end: () => void;
  /** Settles when the front has become another program. */
  readonly became: Promise<void>;
};

export type Surroundings = {
  readonly link: FrontLink;
  readonly tryLock: PlannerCalls["tryLock"];
  readonly waitWritable: PlannerCalls["waitWritable"];
};

export function callerKernel(
  inner: Kernel,
  { link, tryLock, waitWritable }: Surroundings,
): CallerKernel {
  const { kernel: tracked, closeAll } = trackDescriptors(inner);
  const inherited = new Set<Fd>();
  const slow = new Set<Fd>([0 as Fd]); // the caller's standard input
  const taken = new Set<Fd>();
  const wait = (awaited: readonly Awaited[], timeoutMs: number): Fd[] => {
    const ready = inner.waitAny([...awaited, { fd: link.socket, change: false }], timeoutMs);
    // It says nothing unasked: this is its end.
    if (ready.includes(link.socket)) link.abandon();
    return ready;
  };
  const waitFor = (fd: Fd, timeoutMs: number) =>
    wait([{ fd, change: false }], timeoutMs).length > 0;
  const slowly = (fd: Fd) => {
    slow.add(fd);
    return fd;
  };
  const bothSlowly = ([one, other]: [Fd, Fd]): [Fd, Fd] => [slowly(one), slowly(other)];
  const given = (program: Program) => {
    const own = [...inherited].filter((fd) => fd >= firstOwn);
    const self = /^\/proc\/self\/fd\/(\d+)$/.exec(program.path)?.[1];
    const brought = self === undefined ? own : [...new Set([...own, Number(self) as Fd])]; // it names one of ours
    return { ...program, inherited: [...inherited], brought };
  };
  let settle = () => {};
  const became = new Promise<void>((resolve) => {
    settle = resolve;
  });

  const kernel: Kernel = {
    ...tracked,
    open: (path, flags, mode) => tracked.open(ofCaller(path, link.pid), flags, mode),
    close: (fd) => {
      inherited.delete(fd);
      slow.delete(fd);
      taken.delete(fd);
      if (fd >= firstOwn) tracked.close(fd);
    },
    setInherited: (fd, inherit) => {
      if (inherit) inherited.add(fd);
      else inherited.delete(fd);
    },
    packetPair: () => bothSlowly(tracked.packetPair()),
    streamPair: () => bothSlowly(tracked.streamPair()),
    connectUnix: (path) => slowly(tracked.connectUnix(path)),
    bindDatagram: (path) => slowly(tracked.bindDatagram(path)),
    read: (fd, maxBytes) => {
      if (slow.has(fd)) waitFor(fd, -1);
      return tracked.read(fd, maxBytes);
    },
    write: (fd, bytes) => {
      if (fd !== 1 && fd !== 2) return tracked.write(fd, bytes);
      for (let at = 0; at < bytes.length || at === 0; at += writeMaxBytes) {
        waitWritable(fd, link.socket);
        tracked.write(fd, bytes.subarray(at, at + writeMaxBytes));
      }
    },
    waitReadable: waitFor,
    waitAny: wait,
    lock: (fd) => {
      for (let waitMs = 1; !tryLock(fd); waitMs = Math.min(2 * waitMs, 16)) wait([], waitMs);
    },
    sleepMs: (ms) => {
      wait([], ms);
    },

    pid: () => link.pid,
    spawn: (program) => link.spawn(given(program)),
    execute: async (program) => {
      link.become(given(program));
      settle();
      return await new Promise<never>(() => {}); // what waits for it is forgotten, as execve forgets
    },
    resetSignals: () => {}, // runelet does, whatever the front has
    reap: (pid) => {
      unlessErrno(() => link.reap(pid), ECHILD);
    },
    reapChildren: () => link.reapEnded(),
    pidfdGetFd: (pidfd, number) => {
      const fd = link.take(pidfd, number);
      taken.add(fd);
      return fd;
    },
  };
  return {
    kernel,
    end: () => {
      closeAll();
      for (const fd of taken) inner.close(fd);
    },
    became,
  };
}

/** What a process asks about itself is asked about the front. */
function ofCaller(path: string, pid: Pid): string {
  return path === "/proc/self/cgroup" ? `/proc/${pid}/cgroup` : path;
}
