// SPDX-License-Identifier: Apache-2.0
/** Capability names: the position is the number in linux/capability.h. */

export const capabilityNames = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_DAC_READ_SEARCH",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETPCAP",
  "CAP_LINUX_IMMUTABLE",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_BROADCAST",
  "CAP_NET_ADMIN",
  "CAP_NET_RAW",
  "CAP_IPC_LOCK",
  "CAP_IPC_OWNER",
  "CAP_SYS_MODULE",
  "CAP_SYS_RAWIO",
  "CAP_SYS_CHROOT",
  "CAP_SYS_PTRACE",
  "CAP_SYS_PACCT",
  "CAP_SYS_ADMIN",
  "CAP_SYS_BOOT",
  "CAP_SYS_NICE",
  "CAP_SYS_RESOURCE",
  "CAP_SYS_TIME",
  "CAP_SYS_TTY_CONFIG",
  "CAP_MKNOD",
  "CAP_LEASE",
  "CAP_AUDIT_WRITE",
  "CAP_AUDIT_CONTROL",
  "CAP_SETFCAP",
  "CAP_MAC_OVERRIDE",
  "CAP_MAC_ADMIN",
  "CAP_SYSLOG",
  "CAP_WAKE_ALARM",
  "CAP_BLOCK_SUSPEND",
  "CAP_AUDIT_READ",
  "CAP_PERFMON",
  "CAP_BPF",
  "CAP_CHECKPOINT_RESTORE",
] as const;

/** The number of a name in any case; undefined for a name no kernel header had in 2025. */
export function capabilityNumber(name: string): number | undefined {
  const known: readonly string[] = capabilityNames;
  const number = known.indexOf(name.toUpperCase());
  return number < 0 ? undefined : number;
}

export type CapabilityMask = {
  /** Bit n is capability n. */
  readonly mask: bigint;
  /** Names left out of the mask: the specification wants a warning, not a failure. */
  readonly unknown: readonly string[];
};

export function capabilityMask(names: readonly string[]): CapabilityMask {
  let mask = 0n;
  const unknown: string[] = [];
  for (const name of names) {
    const number = capabilityNumber(name);
    if (number === undefined) unknown.push(name);
    else mask |= 1n << BigInt(number);
  }
  return { mask, unknown };
}
