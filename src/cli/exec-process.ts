// SPDX-License-Identifier: Apache-2.0
/** The process of `rune exec`: from a file, or the container's own with the flags' changes. */
import { absolute } from "../container/bundle.ts";
import { type Kernel, readFile } from "../kernel/kernel.ts";
import type { CapabilitySets, Config, Process } from "../oci/config.ts";
import { maximumConfigSizeBytes, parseProcess } from "../oci/parse-config.ts";
import type { ExecChanges, ExecProgram } from "./verbs/exec.ts";

export function execProcess(kernel: Kernel, program: ExecProgram, config: Config): Process {
  if (program.from === "file") {
    const path = absolute(kernel, program.path);
    return parseProcess(readFile(kernel, path, maximumConfigSizeBytes));
  }
  return changed(config.process, program);
}

/** As runc: the terminal is the flag's alone, other settings stay unless a flag changes them. */
function changed(own: Process, changes: ExecChanges): Process {
  const { user, cwd, additionalGids, capabilities } = changes;
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
    ...(capabilities.length === 0 ? {} : { capabilities: widened(own.capabilities, capabilities) }),
  };
}

function widened(own: CapabilitySets = {}, names: readonly string[]): CapabilitySets {
  const add = (set: readonly string[] = []) => [...new Set([...set, ...names])];
  return {
    bounding: add(own.bounding),
    effective: add(own.effective),
    permitted: add(own.permitted),
    inheritable: add(own.inheritable),
    ambient: add(own.ambient),
  };
}
