// SPDX-License-Identifier: Apache-2.0
import { thaw } from "../cgroups/freezer.ts";
import { RuneError } from "../errors/error.ts";
import type { Deps } from "./deps.ts";
import { statusOf } from "./status.ts";
import { ContainerDirectory } from "./store.ts";

/** Lets the processes of a paused container go on. */
export function resume({ kernel, root }: Deps, id: string): void {
  using directory = ContainerDirectory.open(kernel, root, id);
  const state = directory.readState();
  const status = state === undefined ? "creating" : statusOf(kernel, directory.path, state);
  if (state === undefined || status !== "paused") {
    const reason = `container not paused: it is ${status}`;
    throw new RuneError({ code: "CONTAINER_STATE", doing: `resume \`${id}\``, reason });
  }
  try {
    thaw(kernel, state.cgroup);
  } catch (error) {
    throw RuneError.from(error, "thaw").within(`resume \`${id}\``);
  }
}
