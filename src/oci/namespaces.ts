// SPDX-License-Identifier: Apache-2.0
/** Namespace types of config.json, their clone(2) flags and their names under /proc/PID/ns. */

export const namespaceTypes = [
  "pid",
  "network",
  "mount",
  "ipc",
  "uts",
  "user",
  "cgroup",
  "time",
] as const;
export type NamespaceType = (typeof namespaceTypes)[number];

/** CLONE_NEW* of linux/sched.h. */
export const cloneFlags: Readonly<Record<NamespaceType, number>> = {
  time: 0x00000080,
  mount: 0x00020000,
  cgroup: 0x02000000,
  uts: 0x04000000,
  ipc: 0x08000000,
  user: 0x10000000,
  pid: 0x20000000,
  network: 0x40000000,
};

/** The file of `/proc/PID/ns` that stands for a namespace, and the prefix of its link: `mnt:[...]`. */
export const procNames: Readonly<Record<NamespaceType, string>> = {
  pid: "pid",
  network: "net",
  mount: "mnt",
  ipc: "ipc",
  uts: "uts",
  user: "user",
  cgroup: "cgroup",
  time: "time",
};
