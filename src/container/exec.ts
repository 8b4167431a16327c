// SPDX-License-Identifier: Apache-2.0
import { tasksFiles, unifiedPath } from "../cgroups/cgroup.ts";
import type { SubCgroup } from "../cgroups/sub-cgroup.ts";
import { RuneError } from "../errors/error.ts";
import { ENOENT, ESRCH } from "../kernel/constants.ts";
import { type Fd, type Kernel, type Pid, readText, unlessErrno } from "../kernel/kernel.ts";
import type { Process } from "../oci/config.ts";
import { ociVersion } from "../oci/state.ts";
import type { PlanBuilder } from "../plan/encode.ts";
import { planAgentExec, planExec } from "../plan/exec.ts";
import type { Entry, Seccomp } from "../plan/host.ts";
import { planMonitor } from "../plan/monitor.ts";
import { unknownCapabilities } from "../plan/process.ts";
import { rdtTasksFiles } from "../rdt/record.ts";
import type { SeccompListener } from "../seccomp/filter.ts";
import { connectAgent } from "./agent-socket.ts";
import { awaitReady } from "./await-ready.ts";
import { receive, runDetached } from "./channel.ts";
import { type ConsoleSocket, connectConsole, requireConsoleSocket } from "./console.ts";
import { closingOnFailure, type Deps } from "./deps.ts";
import { openSimulator, reentryFor } from "./descriptors.ts";
import { keptProcess, keptSeccomp } from "./kept.ts";
import { checkDescriptors } from "./launch.ts";
import { checkLabels } from "./lsm.ts";
import { removePidFile, sendPidfd, writePidFile } from "./pid-file.ts";
import { becomePlan, inheritPreserved, reapFailed, spawnRunelet, submitPlan } from "./runelet.ts";
import { plannedSeccomp } from "./seccomp.ts";
import type { State } from "./state.ts";
import { requireChild, statusOf } from "./status.ts";
import { peekState } from "./store.ts";
import { explainProcess } from "./user-hints.ts";

export type ExecRequest = {
  readonly id: string;
  /** What to run; made from the container's own process where the caller gives only arguments. */
  readonly process: (state: State) => Process;
  readonly consoleSocket?: ConsoleSocket;
  readonly pidfdSocket?: string;
  readonly pidFile?: string;
  /** Told of the process before its program runs. */
  readonly onReady?: (pid: Pid) => void;
  readonly detach: boolean;
  readonly subreaper: boolean;
  readonly preserveFds: number;
  readonly ignorePaused: boolean;
  /** Cgroups below the container's to run in; none: the container's own. */
  readonly cgroups: readonly SubCgroup[];
};

/** Runs a further process in a container. In the foreground this process becomes its monitor. */
export function exec(deps: Deps, request: ExecRequest): Promise<void> {
  return closingOnFailure(deps, async (own) => {
    try {
      await execWith(own, request);
    } catch (error) {
      if (!(error instanceof RuneError)) throw error;
      const { noteExecFailure } = await import("./journal.ts");
      noteExecFailure(own, error.code);
      throw error;
    }
  });
}

async function execWith(deps: Deps, request: ExecRequest): Promise<void> {
  const { kernel } = deps;
  const state = peekState(kernel, deps.root, request.id);
  const process = request.process(state);
  checkLabels(kernel, process);
  checkDescriptors(deps, request.preserveFds);
  requireConsoleSocket(process.terminal === true, request.consoleSocket, request.detach);
  for (const name of unknownCapabilities(process.capabilities)) {
    deps.warn(`ignoring unknown capability \`${name}\``);
  }
  const init = openInit(deps, state, request.ignorePaused);
  const foregroundTerminal = process.terminal === true && !request.detach;
  const [ours, theirs] = foregroundTerminal ? kernel.streamPair() : [undefined, undefined];
  const console =
    request.consoleSocket === undefined ? theirs : connectConsole(kernel, request.consoleSocket);
  const inputs = { init, ...(console === undefined ? {} : { consoleSocket: console }) };
  const inEnclave = state.enclave?.pal !== undefined;
  // The container's own filter; in an enclave container the program's process has it already.
  const seccomp = inEnclave ? undefined : await keptSeccomp(deps, state);
  if (inEnclave && request.cgroups.length > 0) throw oneProcess(state.id);
  const cgroup = await cgroupOf(deps, state, request.cgroups);
  const entry = inEnclave ? undefined : await entryOf(deps, state, seccomp?.listener !== undefined);
  const plan = inEnclave
    ? planInEnclave(deps, process, state, inputs)
    : planOrdinary(deps, process, { ...state, cgroup }, request, {
        ...inputs,
        ...(seccomp === undefined ? {} : { seccomp: plannedSeccomp(seccomp) }),
        ...(entry === undefined ? {} : { entry }),
      });
  const { listener } = seccomp ?? {};
  const takeListener =
    listener === undefined ? undefined : await listenerFor(deps, state, listener);
  inheritPreserved(plan, request.preserveFds);
  const runelet = spawnRunelet(deps, plan.inherited);
  let pidFile: string | undefined;
  try {
    submitPlan(deps, runelet, plan);
    const pid = awaitReady(kernel, runelet.channel, {
      receive: () => receive(kernel, runelet.channel),
      // In an enclave container runelet itself is what engines wait for.
      ...(inEnclave ? { own: runelet.pid } : {}),
      ...(takeListener === undefined ? {} : { takeListener }),
      died,
    });
    requireChild(kernel, pid);
    deps.step?.(`the program's process is ${pid}, and ready`);
    if (pid !== runelet.pid) kernel.reap(runelet.pid); // the parent: it has told us and ends
    if (request.pidfdSocket !== undefined) sendPidfd(kernel, request.pidfdSocket, pid, "setns");
    if (request.pidFile !== undefined) {
      writePidFile(kernel, request.pidFile, pid);
      pidFile = request.pidFile;
    }
    request.onReady?.(pid);
    if (request.detach) runDetached(kernel, runelet.channel);
    else
      await becomePlan(deps, monitorPlan(deps, request, { pid, channel: runelet.channel, ours }));
  } catch (error) {
    removePidFile(kernel, pidFile);
    kernel.close(runelet.channel);
    reapFailed(deps);
    const explained = explainProcess(error);
    if (state.intelRdt === undefined) throw explained;
    const { explainJoin } = await import("../rdt/groups.ts");
    throw explainJoin(kernel, explained, state.intelRdt);
  }
}

/** Whether, and as what, runelet starts once more inside. */
async function entryOf(
  deps: Deps,
  { enclave }: State,
  hasListener: boolean,
): Promise<Entry | undefined> {
  const again = reentryFor(deps, hasListener);
  if (enclave?.platform !== "simulation") {
    return again === undefined ? undefined : { name: "runelet", program: again };
  }
  if (enclave.serviceSocket !== undefined) {
    // It may have been killed: the container's init keeps it running, and does not start it.
    const { ensureService } = await import("./platform-service.ts");
    ensureService(deps, enclave.serviceSocket);
  }
  const program = again ?? deps.kernel.sealedCopy(`${deps.libDir}/runelet`, "runelet");
  return { name: "runelet", program, ...openSimulator(deps, enclave) };
}

function monitorPlan(
  deps: Deps,
  { id, subreaper }: ExecRequest,
  { pid, channel, ours }: { pid: Pid; channel: Fd; ours: Fd | undefined },
): PlanBuilder {
  return planMonitor({
    pid,
    channel,
    subreaper,
    report: deps.reportCommand("exec", id),
    ...(ours === undefined ? {} : { console: ours }),
    cleanUp: { cgroups: [], killLeft: false, files: [], directories: [] },
  });
}

type Inputs = {
  readonly init: Fd;
  readonly consoleSocket?: Fd;
  readonly seccomp?: Seccomp;
  readonly entry?: Entry;
};

function planOrdinary(
  { kernel }: Deps,
  process: Process,
  state: State,
  { preserveFds }: ExecRequest,
  inputs: Inputs,
): PlanBuilder {
  const unified = unifiedPath(state.cgroup);
  return planExec(process, {
    ...inputs,
    namespaces: state.namespaces,
    tasksFiles: [...tasksFiles(state.cgroup), ...rdtTasksFiles(state.intelRdt)],
    ...(unified === undefined ? {} : { unified }),
    preservedFds: preserveFds,
    euid: kernel.euid(),
    container: state.processes ?? {},
    ...(state.processes?.keyring === true ? { keyringOf: state.id } : {}),
  });
}

async function cgroupOf(
  { kernel }: Deps,
  { cgroup, init }: State,
  wanted: readonly SubCgroup[],
): Promise<State["cgroup"]> {
  if (wanted.length === 0 && !givesControllers(kernel, cgroup)) return cgroup;
  const { besideInit, subCgroups } = await import("../cgroups/sub-cgroup.ts");
  if (wanted.length > 0) return subCgroups(kernel, cgroup, wanted);
  return init === undefined ? cgroup : besideInit(kernel, cgroup, init.pid);
}

function givesControllers(kernel: Kernel, cgroup: State["cgroup"]): boolean {
  const path = unifiedPath(cgroup);
  if (path === undefined) return false;
  const file = `${path}/cgroup.subtree_control`;
  return (unlessErrno(() => readText(kernel, file), ENOENT) ?? "").trim() !== "";
}

function oneProcess(id: string): RuneError {
  const reason = "programs of an enclave container run in one process, which is in its cgroup";
  const doing = `exec --cgroup in \`${id}\``;
  return new RuneError({ code: "CONFIG_UNSUPPORTED", doing, reason });
}

/** The program runs in init-runelet's process: what belongs to a process cannot be chosen. */
function planInEnclave(
  { kernel, root }: Deps,
  process: Process,
  state: State,
  inputs: Inputs,
): PlanBuilder {
  const { id } = state;
  const { uid, gid } = keptProcess(kernel, root, state).user;
  if (process.user.uid !== uid || process.user.gid !== gid) {
    const reason = `programs of an enclave container run as its own user, ${uid}:${gid}`;
    throw new RuneError({ code: "CONFIG_UNSUPPORTED", doing: `exec in \`${id}\``, reason });
  }
  const agent = connectAgent(kernel, `${root}/${id}`);
  return planAgentExec(process, { ...inputs, agent });
}

/** A pidfd of the init, checked to be it after it was opened. */
function openInit({ kernel, root }: Deps, state: State, ignorePaused: boolean): Fd {
  const { id, init } = state;
  const doing = `exec in \`${id}\``;
  if (init === undefined) {
    throw new RuneError({ code: "CONTAINER_STATE", doing, reason: "it is still being created" });
  }
  const pidfd = unlessErrno(() => kernel.pidfd(init.pid as Pid), ESRCH);
  const status = statusOf(kernel, `${root}/${id}`, state);
  if (pidfd === undefined || status === "stopped") {
    throw new RuneError({ code: "CONTAINER_NOT_RUNNING", doing, reason: "container not running" });
  }
  if (status === "paused" && !ignorePaused) {
    const hint = "resume it, or use --ignore-paused";
    throw new RuneError({ code: "CONTAINER_STATE", doing, reason: "it is paused", hint });
  }
  return pidfd;
}

function died(): RuneError {
  const doing = "start the process";
  return new RuneError({ code: "RUNELET", doing, reason: "runelet died without a word" });
}

/** Sends the listener of the process's filter on: the state is that of the container. */
async function listenerFor(
  { kernel }: Deps,
  { id, init, bundle, annotations }: State,
  listener: SeccompListener,
): Promise<(pid: Pid, fd: number) => void> {
  const { sendListener } = await import("./listener.ts");
  const pid = init?.pid ?? 0;
  const state = { ociVersion, id, status: "running", pid, bundle, annotations } as const;
  return (process, fd) => sendListener(kernel, listener, { pid: process, fd, state });
}
