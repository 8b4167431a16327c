// SPDX-License-Identifier: Apache-2.0
/**
 * What `exec` takes from the container's configuration, as it was when the container was created: a
 * bundle may be edited, or gone. runc reads `process` from the bundle each time, crun keeps a copy too.
 * Earlier builds kept nothing: of their containers the bundle has to tell.
 */
import { ENOENT } from "../kernel/constants.ts";
import { type Kernel, readFile, unlessErrno } from "../kernel/kernel.ts";
import type { Process } from "../oci/config.ts";
import { maximumConfigSizeBytes, parseProcess } from "../oci/parse-config.ts";
import { programMaxBytes, type SeccompFilter } from "../seccomp/filter.ts";
import { readConfig } from "./bundle.ts";
import type { Deps } from "./deps.ts";
import { prepareSeccomp } from "./seccomp.ts";
import type { State } from "./state.ts";
import type { ContainerDirectory } from "./store.ts";

declare global {
  interface JSON {
    /** ES2026, not yet in TypeScript's library. */
    rawJSON(text: string): object;
  }
}

export function keepForExec(
  directory: ContainerDirectory,
  process: Process,
  seccomp: SeccompFilter | undefined,
): void {
  // Limits are 64 bits wide.
  const text = JSON.stringify(process, (_, value) =>
    typeof value === "bigint" ? JSON.rawJSON(String(value)) : value,
  );
  directory.keep("process.json", new TextEncoder().encode(text));
  if (seccomp !== undefined) directory.keep("seccomp.bpf", seccomp.filter);
}

/** The container's own process; without the enclave's variables where it is one. */
export function keptProcess(
  kernel: Kernel,
  root: string,
  { id, bundle }: Pick<State, "id" | "bundle">,
): Process {
  const path = `${root}/${id}/process.json`;
  const bytes = unlessErrno(() => readFile(kernel, path, maximumConfigSizeBytes), ENOENT);
  return bytes === undefined ? readConfig(kernel, bundle).process : parseProcess(bytes);
}

/** The container's own filter; undefined where it has none. */
export async function keptSeccomp(deps: Deps, state: State): Promise<SeccompFilter | undefined> {
  const { kernel } = deps;
  const directory = `${deps.root}/${state.id}`;
  if (state.seccomp !== undefined) {
    const path = `${directory}/seccomp.bpf`;
    const filter = unlessErrno(() => readFile(kernel, path, programMaxBytes), ENOENT);
    if (filter !== undefined) return { ...state.seccomp, filter };
  } else if (unlessErrno(() => kernel.lstat(`${directory}/process.json`), ENOENT) !== undefined) {
    return undefined;
  }
  return (await prepareSeccomp(deps, readConfig(kernel, state.bundle))).seccomp;
}
