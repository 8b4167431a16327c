// SPDX-License-Identifier: Apache-2.0
import { RuneError } from "../errors/error.ts";
import type { Deps } from "./deps.ts";
import { destroy } from "./destroy.ts";
import { statusOf } from "./status.ts";
import { ContainerDirectory } from "./store.ts";
import { unitOf } from "./unit.ts";

/** Deletes all of them that can be deleted; the first failure is thrown when the others are done. */
export async function deleteContainers(
  deps: Deps,
  ids: readonly string[],
  force: boolean,
): Promise<void> {
  const failures: RuneError[] = [];
  for (const id of ids) {
    try {
      await deleteContainer(deps, id, force);
    } catch (error) {
      failures.push(RuneError.from(error, `delete \`${id}\``));
    }
  }
  const [first, ...others] = failures;
  for (const { message } of others) deps.warn(message);
  if (first !== undefined) throw first;
}

/**
 * Removes a container that is stopped or was never started; `force` also one that runs, one whose
 * maker died, the files of one whose state cannot be read, and succeeds where there is none. Poststop hooks run last.
 */
export async function deleteContainer(deps: Deps, id: string, force: boolean): Promise<void> {
  const { kernel, root } = deps;
  const directory = openUnlessAbsent(deps, id, force);
  if (directory === undefined) return;
  using held = directory;
  const state = readState(deps, held, force);
  if (state === undefined) {
    if (!force) throw refusal(id, "it was never finished");
    held.remove();
    return;
  }
  const status = statusOf(kernel, `${root}/${id}`, state);
  if (!force && status !== "stopped" && status !== "created") throw refusal(id, `it is ${status}`);
  destroy(deps, held, state, await unitOf(deps, state));
  if (state.enclave?.pal !== undefined) {
    const { noteEnclaveEnd } = await import("./journal.ts");
    noteEnclaveEnd(deps, id);
  }
  if ((state.hooks?.poststop ?? []).length === 0) return;
  const { runPoststop } = await import("./hooks.ts");
  runPoststop(deps, state);
}

function openUnlessAbsent(
  { kernel, root }: Deps,
  id: string,
  force: boolean,
): ContainerDirectory | undefined {
  try {
    return ContainerDirectory.open(kernel, root, id);
  } catch (error) {
    if (force && error instanceof RuneError && error.code === "CONTAINER_NOT_FOUND")
      return undefined;
    throw error;
  }
}

function readState({ warn }: Deps, directory: ContainerDirectory, force: boolean) {
  try {
    return directory.readState();
  } catch (error) {
    if (!force || !(error instanceof RuneError) || error.code !== "STATE_CORRUPT") throw error;
    const rest = `the processes and the cgroup of \`${directory.id}\`, if it has any, stay and have to be ended by hand`;
    warn(`${error.message}: ${rest}`);
    return undefined;
  }
}

function refusal(id: string, reason: string): RuneError {
  const hint = `\`rune delete --force ${id}\` ends and removes it`;
  return new RuneError({ code: "CONTAINER_STATE", doing: `delete \`${id}\``, reason, hint });
}
