// SPDX-License-Identifier: Apache-2.0
/**
 * What `exec` takes from the container's configuration, as it was when the container was created: a
 * bundle may be edited, or gone. runc reads `process` from the bundle each time, crun keeps a copy too.
 */
import type { Kernel } from "../kernel/kernel.ts";
import { readFile } from "../kernel/kernel.ts";
import type { Process } from "../oci/config.ts";
import { maximumConfigSizeBytes, parseProcess } from "../oci/parse-config.ts";
import { programMaxBytes, type SeccompFilter } from "../seccomp/filter.ts";
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
export function keptProcess(kernel: Kernel, root: string, id: string): Process {
  return parseProcess(readFile(kernel, `${root}/${id}/process.json`, maximumConfigSizeBytes));
}

export function keptSeccomp(kernel: Kernel, root: string, state: State): SeccompFilter | undefined {
  if (state.seccomp === undefined) return undefined;
  const filter = readFile(kernel, `${root}/${state.id}/seccomp.bpf`, programMaxBytes);
  return { ...state.seccomp, filter };
}
