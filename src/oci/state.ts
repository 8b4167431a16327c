// SPDX-License-Identifier: Apache-2.0
/** What `rune state` and `rune list` print, and hooks read on standard input. */

/** The version of the runtime specification that rune implements. */
export const ociVersion = "1.3.0";

/** runtime.md, "State"; `paused` is runc's and crun's addition, which engines know. */
export const containerStatuses = ["creating", "created", "running", "paused", "stopped"] as const;
export type ContainerStatus = (typeof containerStatuses)[number];

/** The specification's state document. */
export type OciState = {
  readonly ociVersion: string;
  readonly id: string;
  readonly status: ContainerStatus;
  /** In the caller's pid namespace; 0 once stopped, as runc prints it. */
  readonly pid: number;
  /** Absolute. */
  readonly bundle: string;
  readonly annotations?: Readonly<Record<string, string>>;
};

/** One container in `state` and `list --format json`: runc's keys, in runc's order. */
export type ContainerReport = {
  readonly ociVersion: string;
  readonly id: string;
  readonly pid: number;
  readonly status: ContainerStatus;
  readonly bundle: string;
  /** Absolute. */
  readonly rootfs: string;
  /** RFC 3339, UTC. */
  readonly created: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Of an enclave container: its type, its platform and who chose that. */
  readonly enclave?: object;
  /** Name of the user who created it; empty where the id has no name. `state` prints it too. */
  readonly owner: string;
};
