// SPDX-License-Identifier: Apache-2.0
/** What a failure means that has to do with whose root the container's root is. */
import { RuneError } from "../errors/error.ts";
import { EACCES, ENOSPC, EOVERFLOW, EPERM } from "../kernel/constants.ts";
import type { Config } from "../oci/config.ts";
import { isSeparate } from "../plan/namespaces.ts";
import { type Caller, hostId, isHostRoot } from "../plan/user.ts";

/** Adds a hint to an error of a container in a user namespace; others stay as they are. */
export function explainIds(thrown: unknown, config: Config, caller: Caller): unknown {
  return withHint(thrown, (error) => hintFor(error, config, caller));
}

/** The same for a further process in a container. */
export function explainProcess(thrown: unknown): unknown {
  return withHint(thrown, processHint);
}

function withHint(thrown: unknown, find: (error: RuneError) => string | undefined): unknown {
  if (!(thrown instanceof RuneError) || thrown.hint !== undefined) return thrown;
  const hint = find(thrown);
  if (hint === undefined) return thrown;
  const { code, doing, reason, errno, cause } = thrown;
  const known = errno === undefined ? {} : { errno };
  return new RuneError({ code, doing, reason, hint, ...known, cause });
}

function processHint({ doing, errno }: RuneError): string | undefined {
  if (errno === EACCES && doing.includes("oom_score_adj")) {
    return "a process less likely to be killed than its maker needs CAP_SYS_RESOURCE of the host";
  }
  if (errno === EPERM && /^(set|raise) resource limit/.test(doing)) {
    return "a hard limit above the caller's needs CAP_SYS_RESOURCE of the host; `ulimit -H -a` shows what there is";
  }
  if (errno === EPERM && doing === "set scheduling policy 6") {
    // sched_setattr(2), EPERM.
    return "SCHED_DEADLINE needs CAP_SYS_NICE of the host, and every CPU of it: `linux.resources.cpu.cpus` may leave out none";
  }
  if (errno === EPERM && /^set scheduling policy [12]$/.test(doing)) {
    return "SCHED_FIFO and SCHED_RR need CAP_SYS_NICE of the host, and in a cpu cgroup of version 1 a budget: `linux.resources.cpu.realtimeRuntime`";
  }
  return undefined;
}

function hintFor(error: RuneError, config: Config, caller: Caller): string | undefined {
  const { doing, errno } = error;
  if (doing.startsWith("clone ")) return cloneHint(errno, caller);
  const hint = processHint(error);
  if (hint !== undefined) return hint;
  if (!isSeparate(config, "user")) return undefined;
  if (errno === EPERM && /^mount (file system )?`?(sysfs|proc|mqueue)/.test(doing)) {
    return "a user namespace may mount sysfs, proc and mqueue only with a network, pid and ipc namespace of its own";
  }
  const { uidMappings = [] } = config.linux ?? {};
  const root = hostId(uidMappings, 0);
  if (root === undefined || (errno !== EACCES && errno !== EPERM && errno !== EOVERFLOW)) {
    return undefined;
  }
  return `the container's root is user ${root} of the host: bundle and root file system have to be accessible to it, what it is to change has to belong to it`;
}

function cloneHint(errno: number | undefined, caller: Caller): string | undefined {
  switch (errno) {
    case EACCES:
      return "an ordinary user can place a process only in cgroups below one it may write to, in which it already is";
    case EPERM:
      return isHostRoot(caller)
        ? undefined
        : "the host may forbid user namespaces to ordinary users: see the sysctls kernel.unprivileged_userns_clone and kernel.apparmor_restrict_unprivileged_userns";
    case ENOSPC:
      return "the sysctls user.max_*_namespaces, or the nesting of 32 levels, allow no more";
    default:
      return undefined;
  }
}
