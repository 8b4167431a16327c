// SPDX-License-Identifier: Apache-2.0
/** The process of `rune exec`: from a file, or the container's own with the flags' changes. */
import { keptProcess } from "../container/kept.ts";
import { absolute } from "../container/path.ts";
import type { State } from "../container/state.ts";
import { withoutEnclaveVariables } from "../enclave/mentions.ts";
import { type Kernel, readFile } from "../kernel/kernel.ts";
import type { CapabilitySets, Process } from "../oci/config.ts";
import { maximumConfigSizeBytes, parseProcess } from "../oci/parse-config.ts";
import type { ExecChanges, ExecProgram } from "./verbs/exec.ts";

export function execProcess(
  kernel: Kernel,
  root: string,
  program: ExecProgram,
  state: State,
): Process {
  if (program.from === "file") {
    const path = absolute(kernel, program.path);
    return forPayload(parseProcess(readFile(kernel, path, maximumConfigSizeBytes)), state);
  }
  return changed(forPayload(keptProcess(kernel, root, state), state), program);
}

/** Engines put the container's own variables into the file too: the enclave's secrets among them. */
function forPayload(process: Process, { enclave }: State): Process {
  if (enclave === undefined) return process;
  return { ...process, env: withoutEnclaveVariables(process.env ?? []) };
}

/** As runc: the terminal is the flag's alone, other settings stay unless a flag changes them. */
function changed(own: Process, changes: ExecChanges): Process {
  const { user, cwd, additionalGids, capabilities, apparmorProfile, processLabel } = changes;
  const { umask } = own.user;
  return {
    ...own,
    args: changes.args,
    terminal: changes.tty,
    cwd: cwd ?? own.cwd,
    env: [...(own.env ?? []), ...changes.env],
    noNewPrivileges: own.noNewPrivileges === true || changes.noNewPrivileges,
    user: {
      uid: user?.uid ?? own.user.uid,
      gid: user?.gid ?? own.user.gid,
      additionalGids: [...(own.user.additionalGids ?? []), ...additionalGids],
      ...(umask === undefined ? {} : { umask }),
    },
    ...(apparmorProfile === undefined ? {} : { apparmorProfile }),
    ...(processLabel === undefined ? {} : { selinuxLabel: processLabel }),
    ...(capabilities.length === 0 ? {} : { capabilities: widened(own.capabilities, capabilities) }),
  };
}

/** As runc since 1.2: nothing becomes inheritable, and ambient only what already is. */
function widened(own: CapabilitySets = {}, names: readonly string[]): CapabilitySets {
  const add = (set: readonly string[] = [], more = names) => [...new Set([...set, ...more])];
  const { inheritable = [] } = own;
  return {
    bounding: add(own.bounding),
    effective: add(own.effective),
    permitted: add(own.permitted),
    inheritable,
    ambient: add(
      own.ambient,
      names.filter((name) => inheritable.includes(name)),
    ),
  };
}
