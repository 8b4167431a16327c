// SPDX-License-Identifier: Apache-2.0
import { RuneError } from "../errors/error.ts";
import type { Fd, Kernel } from "../kernel/kernel.ts";

/** The terminal that a new process has sent. It has, by the time it is ready. */
export function receiveMaster(kernel: Kernel, socket: Fd): Fd {
  const none = () =>
    new RuneError({ code: "RUNELET", doing: "receive the terminal", reason: "none has come" });
  if (!kernel.waitReadable(socket, 0)) throw none();
  const [master, ...others] = kernel.receiveDescriptors(socket, 4096).descriptors;
  for (const fd of others) kernel.close(fd);
  if (master === undefined) throw none();
  return master;
}
