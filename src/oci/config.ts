// SPDX-License-Identifier: Apache-2.0
/**
 * Types of config.json: OCI runtime specification 1.3.0, config.md, as far as it concerns Linux.
 * A value of these types has been validated (`parse-config.ts`): paths that must be absolute are,
 * no string holds a NUL, numbers lie in the range of their kernel type. 64-bit quantities are
 * `bigint`, so a Config does not go through `JSON.stringify` as it is.
 */
import type { IdMapping, LinuxConfig } from "./config-linux.ts";

export type Config = {
  readonly ociVersion: string;
  readonly process: Process;
  readonly root: Root;
  readonly hostname?: string;
  readonly domainname?: string;
  readonly mounts?: readonly Mount[];
  readonly hooks?: Hooks;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly linux?: LinuxConfig;
};

/** Directory that becomes `/`; a relative path is relative to the bundle. */
export type Root = { readonly path: string; readonly readonly?: boolean };

export type Process = {
  readonly terminal?: boolean;
  /** In characters. */
  readonly consoleSize?: { readonly height: number; readonly width: number };
  readonly user: User;
  /** At least one. */
  readonly args: readonly string[];
  /** Each `NAME=value`. */
  readonly env?: readonly string[];
  /** Absolute, inside the container. */
  readonly cwd: string;
  readonly capabilities?: CapabilitySets;
  readonly rlimits?: readonly Rlimit[];
  readonly noNewPrivileges?: boolean;
  readonly apparmorProfile?: string;
  readonly selinuxLabel?: string;
  /** -1000 to 1000. */
  readonly oomScoreAdj?: number;
  readonly scheduler?: Scheduler;
  readonly ioPriority?: IoPriority;
  readonly execCPUAffinity?: ExecCpuAffinity;
};

/** Ids as seen inside the container. */
export type User = {
  readonly uid: number;
  readonly gid: number;
  /** 0 to 0o777. */
  readonly umask?: number;
  readonly additionalGids?: readonly number[];
};

/** Names as in capabilities(7); unknown ones are kept, so that the caller can warn. */
export type CapabilitySets = {
  readonly bounding?: readonly string[];
  readonly effective?: readonly string[];
  readonly inheritable?: readonly string[];
  readonly permitted?: readonly string[];
  readonly ambient?: readonly string[];
};

/** `type` is one of `rlimits.ts`, each at most once; 2^64-1 means no limit. */
export type Rlimit = { readonly type: string; readonly soft: bigint; readonly hard: bigint };

export type SchedulerPolicy = (typeof schedulerPolicies)[number];
export const schedulerPolicies = [
  "SCHED_OTHER",
  "SCHED_FIFO",
  "SCHED_RR",
  "SCHED_BATCH",
  "SCHED_ISO",
  "SCHED_IDLE",
  "SCHED_DEADLINE",
] as const;

export type SchedulerFlag = (typeof schedulerFlags)[number];
export const schedulerFlags = [
  "SCHED_FLAG_RESET_ON_FORK",
  "SCHED_FLAG_RECLAIM",
  "SCHED_FLAG_DL_OVERRUN",
  "SCHED_FLAG_KEEP_POLICY",
  "SCHED_FLAG_KEEP_PARAMS",
  "SCHED_FLAG_UTIL_CLAMP_MIN",
  "SCHED_FLAG_UTIL_CLAMP_MAX",
] as const;

/** Arguments of sched_setattr(2); times in nanoseconds, for SCHED_DEADLINE. */
export type Scheduler = {
  readonly policy: SchedulerPolicy;
  readonly nice?: number;
  readonly priority?: number;
  readonly flags?: readonly SchedulerFlag[];
  readonly runtime?: bigint;
  readonly deadline?: bigint;
  readonly period?: bigint;
};

export type IoPriorityClass = (typeof ioPriorityClasses)[number];
export const ioPriorityClasses = [
  "IOPRIO_CLASS_RT",
  "IOPRIO_CLASS_BE",
  "IOPRIO_CLASS_IDLE",
] as const;

/** Arguments of ioprio_set(2); `priority` 0 to 7, 0 the highest. */
export type IoPriority = { readonly class: IoPriorityClass; readonly priority: number };

/** CPU lists ("0-3,7") of `exec` before and after it enters the container's cgroup. */
export type ExecCpuAffinity = { readonly initial?: string; readonly final?: string };

export type Mount = {
  /** Inside the container; runc takes a relative one as relative to `/`, and so do we. */
  readonly destination: string;
  readonly type?: string;
  readonly source?: string;
  readonly options?: readonly string[];
  /** For `idmap` and `ridmap`; both or neither. */
  readonly uidMappings?: readonly IdMapping[];
  readonly gidMappings?: readonly IdMapping[];
};

export const hookNames = [
  "prestart",
  "createRuntime",
  "createContainer",
  "startContainer",
  "poststart",
  "poststop",
] as const;
export type HookName = (typeof hookNames)[number];
export type Hooks = { readonly [name in HookName]?: readonly Hook[] };

export type Hook = {
  /** Absolute: in the runtime's namespace, for startContainer in the container's. */
  readonly path: string;
  /** With argv[0]; absent means the path alone. */
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  /** Seconds, more than 0. */
  readonly timeout?: number;
};
