// SPDX-License-Identifier: Apache-2.0
/** Waiting for one of several things at once. */
import { EINTR, sys } from "./constants.ts";
import type { Awaited, Fd, Kernel } from "./kernel.ts";
import { addressIn } from "./libc.ts";

/** A system call: the raw result, -errno on failure. */
type RawCall = (number: number, ...args: number[]) => number;
/** One that throws when it fails. */
type CheckedCall = (doing: () => string, number: number, ...args: number[]) => number;

const POLLIN = 1;
const POLLPRI = 2;
const EFD_CLOEXEC = 0o2000000;

export function pollCalls(raw: RawCall, checked: CheckedCall): Pick<Kernel, "eventFd" | "waitAny"> {
  return {
    eventFd: () => checked(() => "eventfd", sys.eventfd2, 0, EFD_CLOEXEC) as Fd,
    waitAny: (awaited, timeoutMs) => waitAny(raw, awaited, timeoutMs),
  };
}

/** struct pollfd: fd i32@0, events u16@4, revents u16@6. */
function waitAny(raw: RawCall, awaited: readonly Awaited[], timeoutMs: number): Fd[] {
  const deadline = performance.now() + timeoutMs;
  // Large enough that the array is not one of those small ones that the collector may move.
  const bytes = new Uint8Array(Math.max(8 * awaited.length, 4096));
  const view = new DataView(bytes.buffer);
  for (;;) {
    for (const [index, { fd, change }] of awaited.entries()) {
      view.setInt32(8 * index, fd, true);
      view.setUint32(8 * index + 4, change ? POLLPRI : POLLIN, true);
    }
    const left = timeoutMs < 0 ? -1 : Math.max(0, Math.ceil(deadline - performance.now()));
    const result = raw(sys.poll, addressIn(bytes), awaited.length, left);
    if (result === -EINTR) continue;
    return awaited
      .filter((_, index) => view.getUint16(8 * index + 6, true) !== 0)
      .map(({ fd }) => fd);
  }
}
