// SPDX-License-Identifier: Apache-2.0
import { RuneError } from "../errors/error.ts";
import { ENOENT, ENXIO, O_NONBLOCK, O_WRONLY } from "../kernel/constants.ts";
import { unlessErrno } from "../kernel/kernel.ts";
import type { Deps } from "./deps.ts";
import { statusOf } from "./status.ts";
import { ContainerDirectory } from "./store.ts";

/** Lets the payload of a created container run. */
export function start({ kernel, root }: Deps, id: string): void {
  using directory = ContainerDirectory.open(kernel, root, id);
  const state = directory.readState();
  const status = state === undefined ? "creating" : statusOf(kernel, directory.path, state);
  if (status !== "created") throw wrongStatus(id, status);
  const fifo = unlessErrno(() => kernel.open(directory.fifo, O_WRONLY | O_NONBLOCK), ENXIO, ENOENT);
  if (fifo === undefined) throw wrongStatus(id, "stopped");
  try {
    kernel.write(fifo, new TextEncoder().encode("0"));
  } finally {
    kernel.close(fifo);
  }
  kernel.unlink(directory.fifo);
}

function wrongStatus(id: string, status: string): RuneError {
  const reason = status === "running" ? "it is running already" : `it is ${status}`;
  return new RuneError({ code: "CONTAINER_STATE", doing: `start \`${id}\``, reason });
}
