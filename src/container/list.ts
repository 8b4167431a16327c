// SPDX-License-Identifier: Apache-2.0
import { RuneError } from "../errors/error.ts";
import type { ContainerReport } from "../oci/state.ts";
import type { Deps } from "./deps.ts";
import { report } from "./status.ts";
import { containerIds, peekState } from "./store.ts";

/** The report of one container. */
export function inspect({ kernel, root }: Deps, id: string): ContainerReport {
  return report(kernel, `${root}/${id}`, peekState(kernel, root, id));
}

/** The reports of all containers, by id; those that are gone meanwhile or broken are left out. */
export function list(deps: Deps): ContainerReport[] {
  return containerIds(deps.kernel, deps.root).flatMap((id) => {
    try {
      return [inspect(deps, id)];
    } catch (error) {
      const { code, message } = RuneError.from(error, `read \`${id}\``);
      if (code !== "CONTAINER_NOT_FOUND") deps.warn(message);
      return [];
    }
  });
}
