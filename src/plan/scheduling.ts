// SPDX-License-Identifier: Apache-2.0
/** How the kernel runs the process: scheduler, I/O priority, CPUs, memory policy, personality. */
import type { Process, Scheduler } from "../oci/config.ts";
import type { LinuxConfig, MemoryPolicy } from "../oci/config-linux.ts";
import { indexMask } from "../oci/index-list.ts";
import type { Operation } from "./operation.ts";

/** What of `linux` concerns each of the container's processes, also those of `exec`. */
export type ContainerScheduling = Pick<LinuxConfig, "personality" | "memoryPolicy">;

/** Before ids and capabilities: some of it needs CAP_SYS_NICE. */
export function scheduling(process: Process, linux: ContainerScheduling): Operation[] {
  const { scheduler, ioPriority } = process;
  const { personality, memoryPolicy } = linux;
  return [
    ...(scheduler === undefined ? [] : [schedule(scheduler)]),
    ...(ioPriority === undefined
      ? []
      : [
          {
            op: "ioPriority",
            value: (ioClasses[ioPriority.class] << 13) | ioPriority.priority,
          } as const,
        ]),
    ...(memoryPolicy === undefined ? [] : [memory(memoryPolicy)]),
    ...(personality === undefined
      ? []
      : [{ op: "personality", domain: domains[personality.domain] } as const]),
  ];
}

/**
 * Every CPU of the container's cgroup: since Linux 6.2 a process keeps what its maker was confined
 * to when it joins one (runc has done the same since 1.3).
 */
export const allCpus: Operation = { op: "affinity", mask: new Uint8Array(0) };

/** An empty list leaves the CPUs as they are, as runc does. */
export function affinity(cpus: string | undefined): Operation[] {
  const mask = indexMask(cpus ?? "");
  return mask.length === 0 ? [] : [{ op: "affinity", mask }];
}

function schedule(scheduler: Scheduler): Operation {
  const { policy, flags = [], nice = 0, priority = 0 } = scheduler;
  const { runtime = 0n, deadline = 0n, period = 0n } = scheduler;
  return {
    op: "scheduler",
    policy: policies[policy],
    flags: flags.reduce<number>((bits, name) => bits | schedulerFlags[name], 0),
    nice,
    priority,
    runtime,
    deadline,
    period,
  };
}

function memory({ mode, nodes = "", flags = [] }: MemoryPolicy): Operation {
  const bits = flags.reduce<number>((all, name) => all | memoryFlags[name], memoryModes[mode]);
  return { op: "memoryPolicy", mode: bits, nodes: indexMask(nodes) };
}

/** include/uapi/linux/sched.h */
const policies = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_ISO: 4,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
} as const;

const schedulerFlags = {
  SCHED_FLAG_RESET_ON_FORK: 0x01,
  SCHED_FLAG_RECLAIM: 0x02,
  SCHED_FLAG_DL_OVERRUN: 0x04,
  SCHED_FLAG_KEEP_POLICY: 0x08,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
} as const;

/** include/uapi/linux/ioprio.h */
const ioClasses = { IOPRIO_CLASS_RT: 1, IOPRIO_CLASS_BE: 2, IOPRIO_CLASS_IDLE: 3 } as const;

/** include/uapi/linux/mempolicy.h */
const memoryModes = {
  MPOL_DEFAULT: 0,
  MPOL_PREFERRED: 1,
  MPOL_BIND: 2,
  MPOL_INTERLEAVE: 3,
  MPOL_LOCAL: 4,
  MPOL_PREFERRED_MANY: 5,
  MPOL_WEIGHTED_INTERLEAVE: 6,
} as const;

const memoryFlags = {
  MPOL_F_STATIC_NODES: 1 << 15,
  MPOL_F_RELATIVE_NODES: 1 << 14,
  MPOL_F_NUMA_BALANCING: 1 << 13,
} as const;

/** include/uapi/linux/personality.h */
const domains = { LINUX: 0, LINUX32: 8 } as const;
