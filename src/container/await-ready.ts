// SPDX-License-Identifier: Apache-2.0
/** From PLAN to READY: docs/protocol/init-channel.md. */
import type { RuneError } from "../errors/error.ts";
import type { Fd, Kernel, Pid } from "../kernel/kernel.ts";
import { type ChannelMessage, sendResume, unexpected } from "./channel.ts";
import { requireChild } from "./status.ts";

export type Attendants = {
  readonly receive: () => ChannelMessage;
  /** The child, where that is runelet itself and no PID comes. */
  readonly own?: Pid;
  /** Writes the id maps of a process that waits for them. */
  readonly mapIds?: (pid: Pid) => void;
  /** Puts network devices into the child's namespace. */
  readonly moveDevices?: (pid: Pid) => void;
  /** Prestart and createRuntime hooks. */
  readonly runHooks?: (pid: Pid) => void;
  /** Takes the seccomp listener, a descriptor of the child. */
  readonly takeListener?: (pid: Pid, fd: number) => void;
  readonly died: () => RuneError;
};

/** The child's pid once it is ready. PID comes from another process than the rest, in any order. */
export function awaitReady(kernel: Kernel, channel: Fd, attendants: Attendants): Pid {
  let { own: pid } = attendants;
  let ready = false;
  let asked: ((pid: Pid) => void) | undefined;
  for (;;) {
    if (pid !== undefined && asked !== undefined) {
      asked(requireChild(kernel, pid).pid);
      asked = undefined;
      sendResume(kernel, channel);
    }
    if (pid !== undefined && ready) return pid;
    const message = attendants.receive();
    switch (message.kind) {
      case "pid":
        pid = message.pid;
        break;
      case "ready":
        ready = true;
        break;
      case "hooks":
        asked = attendants.runHooks ?? refuse("HOOKS");
        break;
      case "devices":
        asked = attendants.moveDevices ?? refuse("DEVICES");
        break;
      case "listener": {
        const take = attendants.takeListener ?? refuse("LISTENER");
        asked = (child) => take(child, message.fd);
        break;
      }
      case "map":
        (attendants.mapIds ?? refuse("MAP"))(message.pid);
        break;
      case "failed":
        throw message.error;
      case "end":
        throw attendants.died();
    }
  }
}

function refuse(name: string): never {
  throw unexpected(name);
}
