// SPDX-License-Identifier: Apache-2.0
/** Types of `linux` in config.json: OCI runtime specification 1.3.0, config-linux.md. */
import type { Resources } from "./config-resources.ts";
import type { NamespaceType } from "./namespaces.ts";

export type LinuxConfig = {
  readonly namespaces?: readonly Namespace[];
  readonly uidMappings?: readonly IdMapping[];
  readonly gidMappings?: readonly IdMapping[];
  readonly timeOffsets?: { readonly monotonic?: TimeOffset; readonly boottime?: TimeOffset };
  readonly devices?: readonly Device[];
  /** Key: name of a network device on the host, which moves into the container. */
  readonly netDevices?: Readonly<Record<string, NetDevice>>;
  /** cgroupfs: a path; systemd: `slice:prefix:name`. */
  readonly cgroupsPath?: string;
  readonly resources?: Resources;
  readonly intelRdt?: IntelRdt;
  readonly memoryPolicy?: MemoryPolicy;
  /** Key: name with dots ("net.ipv4.ip_forward"). */
  readonly sysctl?: Readonly<Record<string, string>>;
  readonly seccomp?: Seccomp;
  readonly rootfsPropagation?: RootfsPropagation;
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
  readonly mountLabel?: string;
  readonly personality?: Personality;
};

/** Without a path a new namespace; with one, that namespace is joined. Each type at most once. */
export type Namespace = { readonly type: NamespaceType; readonly path?: string };

export type IdMapping = {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
};

export type TimeOffset = { readonly secs?: bigint; readonly nanosecs?: number };

/** `c` and `u` are the same; `p` (a FIFO) needs no numbers. */
export type DeviceType = "c" | "b" | "u" | "p";
export type Device = {
  readonly type: DeviceType;
  readonly path: string;
  readonly major: number;
  readonly minor: number;
  /** Permission bits; Go's higher bits are cut off. Absent: 0o666. */
  readonly fileMode?: number;
  readonly uid?: number;
  readonly gid?: number;
};

/** `name` renames the device on its way in. */
export type NetDevice = { readonly name?: string };

export type IntelRdt = {
  readonly closID?: string;
  readonly schemata?: readonly string[];
  readonly l3CacheSchema?: string;
  readonly memBwSchema?: string;
  readonly enableMonitoring?: boolean;
  /** Superseded by `enableMonitoring` in 1.3.0. */
  readonly enableCMT?: boolean;
  /** Superseded by `enableMonitoring` in 1.3.0. */
  readonly enableMBM?: boolean;
};

export const memoryPolicyModes = [
  "MPOL_DEFAULT",
  "MPOL_BIND",
  "MPOL_INTERLEAVE",
  "MPOL_WEIGHTED_INTERLEAVE",
  "MPOL_PREFERRED",
  "MPOL_PREFERRED_MANY",
  "MPOL_LOCAL",
] as const;
export const memoryPolicyFlags = [
  "MPOL_F_NUMA_BALANCING",
  "MPOL_F_RELATIVE_NODES",
  "MPOL_F_STATIC_NODES",
] as const;

/** Arguments of set_mempolicy(2); `nodes` is a list such as "0-3,7". */
export type MemoryPolicy = {
  readonly mode: (typeof memoryPolicyModes)[number];
  readonly nodes?: string;
  readonly flags?: readonly (typeof memoryPolicyFlags)[number][];
};

export const rootfsPropagations = [
  "shared",
  "slave",
  "private",
  "unbindable",
  "rshared",
  "rslave",
  "rprivate",
  "runbindable",
] as const;
export type RootfsPropagation = (typeof rootfsPropagations)[number];

export const personalityDomains = ["LINUX", "LINUX32"] as const;
export type Personality = { readonly domain: (typeof personalityDomains)[number] };

export const seccompActions = [
  "SCMP_ACT_KILL",
  "SCMP_ACT_KILL_PROCESS",
  "SCMP_ACT_KILL_THREAD",
  "SCMP_ACT_TRAP",
  "SCMP_ACT_ERRNO",
  "SCMP_ACT_TRACE",
  "SCMP_ACT_ALLOW",
  "SCMP_ACT_LOG",
  "SCMP_ACT_NOTIFY",
] as const;
export type SeccompAction = (typeof seccompActions)[number];

export const seccompOperators = [
  "SCMP_CMP_NE",
  "SCMP_CMP_LT",
  "SCMP_CMP_LE",
  "SCMP_CMP_EQ",
  "SCMP_CMP_GE",
  "SCMP_CMP_GT",
  "SCMP_CMP_MASKED_EQ",
] as const;
export type SeccompOperator = (typeof seccompOperators)[number];

export const seccompFlags = [
  "SECCOMP_FILTER_FLAG_TSYNC",
  "SECCOMP_FILTER_FLAG_LOG",
  "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
  "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
] as const;
export type SeccompFlag = (typeof seccompFlags)[number];

export const seccompArchitectures = [
  "SCMP_ARCH_X86",
  "SCMP_ARCH_X86_64",
  "SCMP_ARCH_X32",
  "SCMP_ARCH_ARM",
  "SCMP_ARCH_AARCH64",
  "SCMP_ARCH_LOONGARCH64",
  "SCMP_ARCH_M68K",
  "SCMP_ARCH_MIPS",
  "SCMP_ARCH_MIPS64",
  "SCMP_ARCH_MIPS64N32",
  "SCMP_ARCH_MIPSEL",
  "SCMP_ARCH_MIPSEL64",
  "SCMP_ARCH_MIPSEL64N32",
  "SCMP_ARCH_PPC",
  "SCMP_ARCH_PPC64",
  "SCMP_ARCH_PPC64LE",
  "SCMP_ARCH_RISCV64",
  "SCMP_ARCH_S390",
  "SCMP_ARCH_S390X",
  "SCMP_ARCH_PARISC",
  "SCMP_ARCH_PARISC64",
  "SCMP_ARCH_SH",
  "SCMP_ARCH_SHEB",
] as const;
export type SeccompArchitecture = (typeof seccompArchitectures)[number];

export type Seccomp = {
  readonly defaultAction: SeccompAction;
  readonly defaultErrnoRet?: number;
  readonly architectures?: readonly SeccompArchitecture[];
  readonly flags?: readonly SeccompFlag[];
  /** Unix socket that receives the notify descriptor. */
  readonly listenerPath?: string;
  readonly listenerMetadata?: string;
  readonly syscalls?: readonly SeccompRule[];
};

export type SeccompRule = {
  /** At least one; unknown system calls are the filter compiler's to skip. */
  readonly names: readonly string[];
  readonly action: SeccompAction;
  readonly errnoRet?: number;
  readonly args?: readonly SeccompArgument[];
};

export type SeccompArgument = {
  /** 0 to 5. */
  readonly index: number;
  readonly value: bigint;
  /** For SCMP_CMP_MASKED_EQ: `(argument & value) == valueTwo`. */
  readonly valueTwo?: bigint;
  readonly op: SeccompOperator;
};
