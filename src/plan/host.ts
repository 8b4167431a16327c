// SPDX-License-Identifier: Apache-2.0
/** What planning needs to know beyond config.json: the host's answers, as data. */
import type { Fd } from "../kernel/kernel.ts";
import type { Caller } from "./user.ts";

/** One mounted cgroup hierarchy and where the container is in it. */
export type CgroupMount = {
  /** Directory of the container in the host's view: `/sys/fs/cgroup/memory/web`. */
  readonly path: string;
  /** Name below /sys/fs/cgroup in the container: "memory", "unified". */
  readonly name: string;
  /** Version 1 mount options that name the hierarchy: ["memory"], ["name=systemd"]. */
  readonly options: readonly string[];
  readonly version: 1 | 2;
};

export type CgroupPlacement = {
  readonly mounts: readonly CgroupMount[];
  /** `tasks` files of version 1 hierarchies to join. */
  readonly tasksFiles: readonly string[];
  /** Directory of the version 2 cgroup to be born in. */
  readonly unified?: string;
};

/** What an enclave container needs beyond an ordinary one; descriptors that runelet inherits. */
export type EnclaveInput = {
  /** The PAL's checked file and its name for messages. */
  readonly pal: Fd;
  readonly palPath: string;
  readonly palArgs: string;
  readonly logLevel: string;
  /** The agent's listening socket. */
  readonly agent: Fd;
};

/** A compiled filter and SECCOMP_FILTER_FLAG_* bits. */
export type Seccomp = {
  readonly flags: number;
  readonly filter: Uint8Array;
  /** The filter has a listener, for which rune waits. */
  readonly notifies: boolean;
};

/** A network device that comes from the host, as the container is to have it. */
export type PlannedDevice = {
  readonly name: string;
  /** RTM_NEWADDR requests; the device's index is filled in where it is known. */
  readonly addresses: readonly Uint8Array[];
};

export type LaunchInput = {
  readonly id: string;
  /** As they may be shown to hooks. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Absolute path of the root file system. */
  readonly rootfs: string;
  /** True when the host's only hierarchy is version 2. */
  readonly unifiedOnly: boolean;
  readonly cgroups: CgroupPlacement;
  /** Open namespaces for the entries of `linux.namespaces` that have a path, by that path. */
  readonly namespaces: ReadonlyMap<string, Fd>;
  readonly consoleSocket?: Fd;
  /** Open for reading and writing; absent when the payload starts at once. */
  readonly fifo?: Fd;
  /** How many of the caller's descriptors from 3 on the payload inherits. */
  readonly preservedFds: number;
  readonly listeningFds: number;
  readonly noPivot: boolean;
  /** The container's processes get a session keyring that is not the caller's. */
  readonly newKeyring: boolean;
  /** Whether this kernel has /proc/kcore, which /dev/core then points to. */
  readonly hasKcore: boolean;
  readonly netDevices: readonly PlannedDevice[];
  readonly seccomp?: Seccomp;
  readonly enclave?: EnclaveInput;
  /** Another program than runelet that goes on behind CLONE; both from sealed memfds. */
  readonly entry?: Entry;
  readonly caller: Caller;
};

export type Entry = {
  readonly name: "init-runelet" | "runelet";
  readonly program: Fd;
  /** The simulated platform: this program and all that follow run under it. */
  readonly simulator?: Fd;
  /** The platform service's socket, which the simulator asks. */
  readonly service?: string;
  /** How much enclave memory the simulator lets the container have. */
  readonly epcBytes?: number;
};
