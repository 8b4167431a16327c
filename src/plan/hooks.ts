// SPDX-License-Identifier: Apache-2.0
/** startContainer hooks: in the container, as its user, right before the program. */
import type { Config, Hook } from "../oci/config.ts";
import { ociVersion } from "../oci/state.ts";
import type { PlanBuilder } from "./encode.ts";

/** The hooks' operations, in their order; one that fails ends the container. */
export function planHooks(plan: PlanBuilder, config: Config, id: string, bundle: string): void {
  const state = new TextEncoder().encode(JSON.stringify(stateOf(config, id, bundle)));
  for (const hook of config.hooks?.startContainer ?? []) plan.add(operation(hook, state));
}

function operation({ path, args = [path], env = [], timeout = 0 }: Hook, state: Uint8Array) {
  return { op: "hook", timeoutSeconds: timeout, path, argv: args, env, state } as const;
}

/** runtime.md, "State"; the pid is the container's view, where the hook runs. */
function stateOf({ annotations }: Config, id: string, bundle: string): object {
  return {
    ociVersion,
    id,
    status: "created",
    pid: 1,
    bundle,
    ...(annotations === undefined ? {} : { annotations }),
  };
}
