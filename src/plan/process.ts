// SPDX-License-Identifier: Apache-2.0
/** From the container's root to its program: identity, limits, the last steps. */
import { RuneError } from "../errors/error.ts";
import { capabilityMask } from "../oci/capabilities.ts";
import type { CapabilitySets, Process } from "../oci/config.ts";
import { rlimitNumber } from "../oci/rlimits.ts";
import type { EnclaveSteps } from "./enclave.ts";
import type { PlanBuilder } from "./encode.ts";
import type { Seccomp } from "./host.ts";
import { labels } from "./labels.ts";
import type { Operation, Slot } from "./operation.ts";
import { type ContainerScheduling, scheduling } from "./scheduling.ts";

export type LastSteps = {
  /** The init waits for `rune start`, an exec'ed process does not. */
  readonly fifo?: Slot;
  readonly awaitsRun: boolean;
  readonly seccomp?: Seccomp;
  readonly preservedFds: number;
  /** The last of the preserved ones that are sockets of systemd's: sd_listen_fds(3). */
  readonly listeningFds: number;
  /** The host's procfs, where the process has a security label. */
  readonly proc?: Slot;
  /** What is said of every process of the container. */
  readonly container: ContainerScheduling;
  /** The program runs in an enclave, through the PAL. */
  readonly enclave?: EnclaveSteps;
  /** startContainer hooks, just before the program. */
  readonly hooks?: readonly Operation[];
};

/** Plans everything after the root is in place, up to and including the program. */
export function planProcess(plan: PlanBuilder, process: Process, last: LastSteps): void {
  const seccomp = last.seccomp === undefined ? [] : [planSeccomp(last.seccomp)];
  plan.add(...scheduling(process, last.container));
  if (last.proc !== undefined) {
    plan.add(...labels(process, last.proc, last.enclave === undefined ? "exec" : "now"));
  }
  planIdentity(plan, process, seccomp);
  if (last.preservedFds > 0) plan.add({ op: "keepFds", count: last.preservedFds });
  const env = effective(withListeningFds(process.env ?? [], last.listeningFds));
  if (!env.some((entry) => entry.startsWith("HOME="))) {
    plan.add({ op: "home", uid: process.user.uid });
  }
  const lateSeccomp = process.noNewPrivileges === true ? seccomp : [];
  if (last.enclave === undefined) planProgram(plan, process, env, last, lateSeccomp);
  else planPayload(plan, process, env, last, last.enclave, lateSeccomp);
}

function planProgram(
  plan: PlanBuilder,
  process: Process,
  env: readonly string[],
  last: LastSteps,
  seccomp: readonly Operation[],
): void {
  plan.add({ op: "findProgram", name: process.args[0] ?? "", path: searchPath(env) });
  // A listener travels on the channel, which is gone once the program waits for its start.
  const notifies = last.seccomp?.notifies === true;
  if (notifies) plan.add(...seccomp);
  planStart(plan, last);
  // As late as can be: from here on the filter has to allow the hooks, which are the container's, and execve.
  plan.add(...(notifies ? [] : seccomp), ...(last.hooks ?? []), {
    op: "exec",
    argv: process.args,
    env,
  });
}

/** argv[0] is not looked for: it may exist only in the enclave runtime's own file system. */
function planPayload(
  plan: PlanBuilder,
  process: Process,
  env: readonly string[],
  last: LastSteps,
  { palArgs, logLevel, agent }: EnclaveSteps,
  seccomp: readonly Operation[],
): void {
  // The PAL and what it loads are the container's: they run under its filter from the beginning.
  plan.add(...seccomp);
  plan.add({ op: "palInit", args: palArgs, logLevel, env });
  plan.add({ op: "agent", slot: agent });
  planStart(plan, last);
  plan.add(...(last.hooks ?? []), { op: "palRun", argv: process.args, env });
}

function planStart(plan: PlanBuilder, last: LastSteps): void {
  if (last.awaitsRun) plan.add({ op: "ready" });
  if (last.fifo !== undefined) plan.add({ op: "waitFifo", slot: last.fifo });
}

function planSeccomp({ flags, filter, notifies }: Seccomp): Operation {
  return { op: notifies ? "seccompNotify" : "seccomp", flags, filter };
}

/**
 * Each variable once, with the last value it is given, as with runc: of two entries most programs
 * would read the first. An empty HOME is one that is looked up.
 */
function effective(env: readonly string[]): readonly string[] {
  const byName = new Map<string, string>();
  for (const entry of env) {
    const name = entry.slice(0, entry.indexOf("="));
    byName.delete(name); // it takes the place of its last entry
    byName.set(name, entry);
  }
  return [...byName.values()].filter((entry) => entry !== "HOME=");
}

/** The payload is process 1 of its container, which is what LISTEN_PID has to say. */
function withListeningFds(env: readonly string[], count: number): readonly string[] {
  return count === 0 ? env : [...env, `LISTEN_FDS=${count}`, "LISTEN_PID=1"];
}

function planIdentity(plan: PlanBuilder, process: Process, seccomp: readonly Operation[]): void {
  const { user, capabilities = {}, cwd } = process;
  for (const { type, soft, hard } of process.rlimits ?? []) {
    plan.add({ op: "rlimit", resource: resourceOf(type), soft, hard });
  }
  if (process.noNewPrivileges === true) plan.add({ op: "noNewPrivs" });
  // Without no_new_privs only CAP_SYS_ADMIN may install a filter: before it is given up.
  else plan.add(...seccomp);
  const sets = capabilityMasks(capabilities);
  plan.add(
    { op: "cwd", path: cwd, when: "try" },
    { op: "bounding", keep: sets.bounding },
    { op: "ids", uid: user.uid, gid: user.gid, groups: user.additionalGids ?? [] },
    { op: "capabilities", ...sets },
    { op: "umask", mask: user.umask ?? 0o022 },
    { op: "cwd", path: cwd, when: "if-deferred" },
  );
}

type Masks = {
  readonly bounding: bigint;
  readonly effective: bigint;
  readonly permitted: bigint;
  readonly inheritable: bigint;
  readonly ambient: bigint;
};

/** Unknown names are left out; {@link unknownCapabilities} names them for a warning. */
function capabilityMasks(sets: CapabilitySets): Masks {
  const mask = (names: readonly string[] = []) => capabilityMask(names).mask;
  const permitted = mask(sets.permitted);
  const inheritable = mask(sets.inheritable);
  return {
    bounding: mask(sets.bounding),
    effective: mask(sets.effective),
    permitted,
    inheritable,
    // The kernel refuses others (capabilities(7)), and runc's own default asks for some: it drops
    // them in silence, and so do we.
    ambient: mask(sets.ambient) & permitted & inheritable,
  };
}

export function unknownCapabilities(sets: CapabilitySets = {}): string[] {
  const names = [sets.bounding, sets.effective, sets.permitted, sets.inheritable, sets.ambient];
  return [...new Set(names.flatMap((set) => capabilityMask(set ?? []).unknown))];
}

/** The PATH a program is looked up in; the last entry wins, as in a shell. */
function searchPath(env: readonly string[]): string {
  return env.findLast((entry) => entry.startsWith("PATH="))?.slice("PATH=".length) ?? "";
}

/**
 * Raises hard limits while that may be permitted: CAP_SYS_RESOURCE of a user namespace does not count
 * (do_prlimit in kernel/sys.c).
 */
export function raisedLimits({ rlimits = [] }: Process): Operation[] {
  return rlimits.map(({ type, hard }) => ({
    op: "raiseLimit",
    resource: resourceOf(type),
    hard,
  }));
}

function resourceOf(type: string): number {
  const resource = rlimitNumber(type);
  if (resource !== undefined) return resource;
  const doing = "config `process.rlimits`";
  throw new RuneError({ code: "CONFIG_INVALID", doing, reason: `unknown type \`${type}\`` });
}
