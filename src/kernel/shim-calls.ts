// SPDX-License-Identifier: Apache-2.0
/** System calls of the shim alone: what an engine's task has and a container of `rune` does not. */
import * as c from "./constants.ts";
import type { Fd } from "./kernel.ts";
import { call, place, placed, text } from "./libc.ts";

export interface ShimCalls {
  /** Both close-on-exec: reading, writing. */
  pipe(): [Fd, Fd];
  /** Reads and writes of the open file wait, or fail with EAGAIN. */
  setWaiting(fd: Fd, waits: boolean): void;
  /** Whether writers have come to a fifo since it was opened to read, and all have gone. */
  hasHungUp(fifo: Fd): boolean;
  /** mount(2). @param data at most a page */
  mount(source: string, target: string, type: string, flags: number, data: string): void;
  /** umount2(2). */
  unmount(target: string, flags: number): void;
  /**
   * Takes pages of a file out of this process: madvise(2), MADV_DONTNEED.
   * Precondition: nothing in the range differs from the file.
   */
  letGo(range: { readonly start: number; readonly size: number }): void;
  /** Makes this process the leader of a session of its own. */
  leaveSession(): void;
}

export const shimCalls: ShimCalls = {
  pipe: () => {
    const ends = place(8);
    call(() => "make a pipe", c.sys.pipe2, ends, c.O_CLOEXEC);
    const view = placed(ends, 8);
    return [view.getInt32(0, true) as Fd, view.getInt32(4, true) as Fd];
  },
  setWaiting: (fd, waits) => {
    const [F_GETFL, F_SETFL] = [3, 4];
    const flags = call(() => "fcntl", c.sys.fcntl, fd, F_GETFL, 0);
    const changed = waits ? flags & ~c.O_NONBLOCK : flags | c.O_NONBLOCK;
    call(() => "fcntl", c.sys.fcntl, fd, F_SETFL, changed);
  },
  hasHungUp: (fifo) => {
    const polled = place(8); // struct pollfd: fd i32@0, events u16@4, answer u16@6
    const view = placed(polled, 8);
    view.setInt32(0, fifo, true);
    const POLLHUP = 0x10;
    call(() => "poll", c.sys.poll, polled, 1, 0);
    return (view.getUint16(6, true) & POLLHUP) !== 0;
  },
  mount: (source, target, type, flags, data) => {
    const words = [source, target, type].map((word) => text(word));
    const [from = 0, to = 0, kind = 0] = words;
    const options = data === "" ? 0 : text(data);
    call(() => `mount \`${source}\` on \`${target}\``, c.sys.mount, from, to, kind, flags, options);
  },
  unmount: (target, flags) => {
    call(() => `unmount \`${target}\``, c.sys.umount2, text(target), flags);
  },
  letGo: ({ start, size }) => {
    const MADV_DONTNEED = 4;
    call(() => "let memory go", c.sys.madvise, start, size, MADV_DONTNEED);
  },
  leaveSession: () => {
    call(() => "make a session", c.sys.setsid);
  },
};
