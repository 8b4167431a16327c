// SPDX-License-Identifier: Apache-2.0
import { RuneError } from "../errors/error.ts";
import { ENOENT, ENXIO, O_NONBLOCK, O_WRONLY, SIGKILL } from "../kernel/constants.ts";
import { type Pid, unlessErrno } from "../kernel/kernel.ts";
import type { Deps } from "./deps.ts";
import { signalInit } from "./kill.ts";
import type { State } from "./state.ts";
import { statusOf } from "./status.ts";
import { ContainerDirectory } from "./store.ts";

/** Lets the payload of a created container run, and runs poststart hooks once it does. */
export async function start(deps: Deps, id: string): Promise<void> {
  const { kernel, root } = deps;
  using directory = ContainerDirectory.open(kernel, root, id);
  const state = directory.readState();
  const status = state === undefined ? "creating" : statusOf(kernel, directory.path, state);
  if (status !== "created") throw wrongStatus(id, status);
  const fifo = unlessErrno(() => kernel.open(directory.fifo, O_WRONLY | O_NONBLOCK), ENXIO, ENOENT);
  if (fifo === undefined) throw wrongStatus(id, "stopped");
  if (state?.enclave?.serviceSocket !== undefined) {
    // A container may have been created long ago, and nobody has used the platform since.
    const { ensureService } = await import("./platform-service.ts");
    ensureService(deps, state.enclave.serviceSocket);
  }
  const notify = deps.notifySocket === undefined ? undefined : await import("./notify.ts");
  const socket = notify?.bindNotifySocket(kernel, directory);
  const hasHooks = (state?.hooks?.poststart ?? []).length > 0;
  try {
    kernel.write(fifo, new TextEncoder().encode("0"));
    kernel.unlink(directory.fifo);
    deps.step?.(`told init, process ${state?.init?.pid}, to start the program`);
    // The init closes its end when it becomes the program: POLLERR, which is always waited for.
    if (hasHooks) kernel.waitReadable(fifo, -1);
  } finally {
    kernel.close(fifo);
  }
  if (state !== undefined && hasHooks) await poststart(deps, state);
  if (socket === undefined || state?.init === undefined) return;
  directory.release(); // `kill` and `state` do not wait until it is ready
  notify?.awaitReadiness(deps, socket, deps.notifySocket ?? "", state.init.pid as Pid);
}

/** As runc: a hook that fails ends the container, which stays for `delete`. */
async function poststart(deps: Deps, state: State): Promise<void> {
  const { runPoststart } = await import("./hooks.ts");
  try {
    runPoststart(deps, state);
  } catch (error) {
    const { init } = state;
    if (init !== undefined) signalInit(deps.kernel, init, SIGKILL);
    throw error;
  }
}

function wrongStatus(id: string, status: string): RuneError {
  const reason = status === "running" ? "it is running already" : `it is ${status}`;
  return new RuneError({ code: "CONTAINER_STATE", doing: `start \`${id}\``, reason });
}
