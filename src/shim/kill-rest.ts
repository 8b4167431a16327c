// SPDX-License-Identifier: Apache-2.0

import type { Deps } from "../container/deps.ts";
import { kill } from "../container/kill.ts";
import { peekState } from "../container/store.ts";
import { RuneError } from "../errors/error.ts";
import { SIGKILL } from "../kernel/constants.ts";

/**
 * Ends what is left of a container whose first process has ended; nothing where the kernel has done it, or a
 * checkpoint has removed the container.
 */
export function killRest(deps: Deps, id: string): void {
  try {
    if (!peekState(deps.kernel, deps.root, id).ownPidNamespace) kill(deps, id, SIGKILL, true);
  } catch (error) {
    if (error instanceof RuneError && error.code === "CONTAINER_NOT_FOUND") return;
    deps.warn(RuneError.from(error, `end the rest of \`${id}\``).message);
  }
}
