// SPDX-License-Identifier: Apache-2.0
/** Hooks as operations, and what they read on standard input: runtime.md, "State". */
import type { Hook } from "../oci/config.ts";
import { type ContainerStatus, ociVersion } from "../oci/state.ts";
import type { HookArguments, Operation } from "./operation.ts";

/** What a hook is told of its container. */
export type HookSubject = {
  readonly id: string;
  /** Absolute. */
  readonly bundle: string;
  readonly annotations: Readonly<Record<string, string>>;
};

/** For a hook that runs in rune's own namespaces. Stopped containers have no pid, as runc has it. */
export function hookInRuntime(
  hook: Hook,
  subject: HookSubject,
  status: ContainerStatus,
  pid?: number,
): HookArguments {
  const state = { ...stateOf(subject, status), ...(pid === undefined ? {} : { pid }) };
  return { ...program(hook), state: encode(JSON.stringify(state)), tail: encode("") };
}

/** Operations of the init itself: the pid is the one it sees. */
export function hooksInContainer(
  hooks: readonly Hook[] | undefined,
  subject: HookSubject,
  status: ContainerStatus,
): Operation[] {
  const open = JSON.stringify(stateOf(subject, status)).slice(0, -1);
  const [state, tail] = [encode(`${open},"pid":`), encode("}")];
  return (hooks ?? []).map((hook) => ({ op: "hook", ...program(hook), state, tail }));
}

function program({ path, args = [path], env = [], timeout = 0 }: Hook) {
  return { timeoutSeconds: timeout, path, argv: args, env };
}

function stateOf({ id, bundle, annotations }: HookSubject, status: ContainerStatus): object {
  const some = Object.keys(annotations).length > 0;
  return { ociVersion, id, status, bundle, ...(some ? { annotations } : {}) };
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
