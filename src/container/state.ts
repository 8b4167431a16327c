// SPDX-License-Identifier: Apache-2.0
/** state.json: what is kept of a container between commands. */
import type { CgroupDirectory } from "../cgroups/cgroup.ts";
import type { UnitRecord } from "../cgroups/unit.ts";
import { RuneError } from "../errors/error.ts";
import type { Hooks } from "../oci/config.ts";
import type { ContainerScheduling } from "../plan/scheduling.ts";
import type { RdtRecord } from "../rdt/record.ts";
import type { SeccompListener } from "../seccomp/filter.ts";

/** Counts up when a field changes its meaning; older ones stay readable, newer ones are refused. */
export const stateSchema = 1;

export type State = {
  readonly schema: number;
  /** The version of rune that wrote it, for people. */
  readonly writer: string;
  readonly id: string;
  readonly bundle: string;
  readonly rootfs: string;
  readonly ociVersion: string;
  /** RFC 3339, UTC. */
  readonly created: string;
  readonly ownerUid: number;
  readonly annotations: Readonly<Record<string, string>>;
  /** Absent while the container is being made: `creating`. */
  readonly init?: InitProcess;
  readonly cgroup: readonly CgroupDirectory[];
  /** Where it has groups of the resctrl file system. */
  readonly intelRdt?: RdtRecord;
  /** Where systemd has made the cgroup. */
  readonly systemd?: UnitRecord;
  /** CLONE_NEW* of the namespaces the init does not share with the runtime. */
  readonly namespaces: number;
  /** Of an enclave container, or one with a simulated SGX platform. */
  readonly enclave?: EnclaveState;
  /** The original's record of the same, without the secrets it kept: enclave-config.md. */
  readonly enclave_config?: object;
  /** What `start`, `delete` and the like still have to run. */
  readonly hooks?: Pick<Hooks, "poststart" | "poststop">;
  /** Of every process; the filter itself is in `seccomp.bpf`. */
  readonly seccomp?: { readonly flags: number; readonly listener?: SeccompListener };
  /** What an exec'ed process needs to be like the init; absent in states of older versions. */
  readonly processes?: ProcessSettings;
  /** What the init's 0, 1 and 2 link to in /proc, where pipes are among them: for checkpoints. */
  readonly stdio?: readonly string[];
  /** True where a foreground `run` removes what it knew of at the start, and nothing else. */
  readonly monitored?: true;
  /** True when killing init ends every process of the container. */
  readonly ownPidNamespace: boolean;
};

export type EnclaveState = {
  /** "intelSgx"; absent where the container only gets an SGX platform. */
  readonly type?: string;
  readonly platform: "hardware" | "simulation";
  /** Who chose the platform: "--platform", "ENCLAVE_PLATFORM", ... */
  readonly platformChosenBy: string;
  /** Absolute path of the PAL. */
  readonly pal?: string;
  /** The socket of the simulated platform's service; absent without one. */
  readonly serviceSocket?: string;
  /** How much simulated enclave memory it may have; absent where nothing bounds it. */
  readonly epcBytes?: number;
};

export type ProcessSettings = ContainerScheduling & {
  /** They share a session keyring of the container's. */
  readonly keyring: boolean;
};

export type InitProcess = {
  readonly pid: number;
  /** In clock ticks since boot, /proc/PID/stat field 22: tells a recycled pid. */
  readonly startTime: number;
};

export function encodeState(state: State): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(state)}\n`);
}

/** Reads a state file; `path` is for the error. */
export function parseState(bytes: Uint8Array, path: string): State {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw corrupt(path, "not JSON", cause);
  }
  if (typeof value !== "object" || value === null || !("schema" in value)) {
    throw corrupt(path, "no schema number");
  }
  const { schema } = value;
  if (typeof schema !== "number" || schema < 1) throw corrupt(path, "no schema number");
  if (schema > stateSchema) {
    throw new RuneError({
      code: "STATE_NEWER",
      doing: `read \`${path}\``,
      reason: `it has schema ${schema}, this rune understands up to ${stateSchema}`,
      hint: "use the rune that created the container",
    });
  }
  if (!("id" in value) || !("bundle" in value) || !("cgroup" in value)) {
    throw corrupt(path, "fields are missing");
  }
  // Written by this program alone, in a directory only root may write: the schema says the rest.
  return value as State;
}

function corrupt(path: string, reason: string, cause?: unknown): RuneError {
  return new RuneError({
    code: "STATE_CORRUPT",
    doing: `read \`${path}\``,
    reason,
    hint: "`rune delete --force` removes the container's files; what runs in its cgroup is not known any more, and goes on",
    ...(cause === undefined ? {} : { cause }),
  });
}
