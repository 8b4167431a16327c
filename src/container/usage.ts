// SPDX-License-Identifier: Apache-2.0
/** What every container uses at this moment, for `rune top` and `rune metrics`. */
import type { CgroupDirectory } from "../cgroups/cgroup.ts";
import { readStats } from "../cgroups/stats.ts";
import { RuneError } from "../errors/error.ts";
import { ENOENT } from "../kernel/constants.ts";
import { type Kernel, readText, unlessErrno } from "../kernel/kernel.ts";
import type { ContainerStatus } from "../oci/state.ts";
import type { Deps } from "./deps.ts";
import { statusOf } from "./status.ts";
import { containerIds, peekState } from "./store.ts";

/** Undefined where the host does not count it, or nothing runs. */
export type Usage = {
  readonly id: string;
  readonly status: ContainerStatus;
  readonly pid?: number;
  readonly enclave?: { readonly type: string; readonly platform: string };
  readonly cpuNs?: bigint;
  readonly memoryBytes?: bigint;
  readonly memoryLimitBytes?: bigint;
  readonly pids?: bigint;
  /** EPC pages of the cgroup, in bytes: the controller misc of a host with SGX. */
  readonly epcBytes?: bigint;
};

/** By id; those that are gone meanwhile or broken are left out. */
export function usages(deps: Deps): Usage[] {
  return containerIds(deps.kernel, deps.root).flatMap((id) => {
    try {
      return [usageOf(deps, id)];
    } catch (error) {
      const { code, message } = RuneError.from(error, `read \`${id}\``);
      if (code !== "CONTAINER_NOT_FOUND") deps.warn(message);
      return [];
    }
  });
}

/** Memory without a limit has one of nearly 2^63: memory.rst of version 1. */
const unlimited = 1n << 62n;

function usageOf({ kernel, root }: Deps, id: string): Usage {
  const state = peekState(kernel, root, id);
  const status = statusOf(kernel, `${root}/${id}`, state);
  const { enclave, init } = state;
  const what = {
    id,
    status,
    ...(enclave === undefined
      ? {}
      : { enclave: { type: enclave.type ?? "none", platform: enclave.platform } }),
  };
  if (status === "stopped" || status === "creating" || init === undefined) return what;
  const { cpu, memory, pids } = readStats(kernel, state.cgroup);
  const { usage, limit } = memory.usage;
  const counted = state.cgroup.length > 0;
  const epcBytes = epcOf(kernel, state.cgroup);
  return {
    ...what,
    pid: init.pid,
    ...(counted ? { cpuNs: cpu.usage.total ?? 0n } : {}),
    ...(usage === undefined ? {} : { memoryBytes: usage }),
    ...(limit > 0n && limit < unlimited ? { memoryLimitBytes: limit } : {}),
    ...(pids.current === undefined ? {} : { pids: pids.current }),
    ...(epcBytes === undefined ? {} : { epcBytes }),
  };
}

/** Documentation/admin-guide/cgroup-v2.rst, "Misc"; the resource is "sgx_epc". */
function epcOf(kernel: Kernel, cgroup: readonly CgroupDirectory[]): bigint | undefined {
  const directory =
    cgroup.find(({ controllers }) => controllers.includes("misc")) ??
    cgroup.find(({ version }) => version === 2);
  if (directory === undefined) return undefined;
  const text = unlessErrno(() => readText(kernel, `${directory.path}/misc.current`), ENOENT);
  const bytes = /^sgx_epc (\d+)$/m.exec(text ?? "")?.[1];
  return bytes === undefined ? undefined : BigInt(bytes);
}
