// SPDX-License-Identifier: Apache-2.0
import { freeze } from "../cgroups/freezer.ts";
import { RuneError } from "../errors/error.ts";
import type { Deps } from "./deps.ts";
import { statusOf } from "./status.ts";
import { ContainerDirectory } from "./store.ts";

/** Stops all processes of a container that is created or runs; returns when they have stopped. */
export function pause({ kernel, root }: Deps, id: string): void {
  using directory = ContainerDirectory.open(kernel, root, id);
  const state = directory.readState();
  const status = state === undefined ? "creating" : statusOf(kernel, directory.path, state);
  if (state === undefined || (status !== "running" && status !== "created")) {
    throw wrongStatus(id, status);
  }
  try {
    freeze(kernel, state.cgroup);
  } catch (error) {
    throw RuneError.from(error, "freeze").within(`pause \`${id}\``);
  }
}

function wrongStatus(id: string, status: string): RuneError {
  const doing = `pause \`${id}\``;
  if (status === "paused") {
    return new RuneError({ code: "CONTAINER_STATE", doing, reason: "it is paused already" });
  }
  const reason = `container not running: it is ${status}`;
  return new RuneError({ code: "CONTAINER_NOT_RUNNING", doing, reason });
}
