// SPDX-License-Identifier: Apache-2.0
import { tasksFiles, unifiedPath } from "../cgroups/cgroup.ts";
import { RuneError } from "../errors/error.ts";
import type { Fd, Pid } from "../kernel/kernel.ts";
import type { Config, Process } from "../oci/config.ts";
import { planExec } from "../plan/exec.ts";
import { planMonitor } from "../plan/monitor.ts";
import { unknownCapabilities } from "../plan/process.ts";
import { checkProcess, readConfig } from "./bundle.ts";
import { receive } from "./channel.ts";
import { requireConsoleSocket } from "./console.ts";
import type { Deps } from "./deps.ts";
import { checkDescriptors } from "./launch.ts";
import { writePidFile } from "./pid-file.ts";
import { becomePlan, inheritPreserved, spawnRunelet, submitPlan } from "./runelet.ts";
import { seccompOf } from "./seccomp.ts";
import type { State } from "./state.ts";
import { statusOf } from "./status.ts";
import { peekState } from "./store.ts";

export type ExecRequest = {
  readonly id: string;
  /** What to run; made from the container's own process where the caller gives only arguments. */
  readonly process: (config: Config) => Process;
  readonly consoleSocket?: string;
  readonly pidFile?: string;
  readonly detach: boolean;
  readonly subreaper: boolean;
  readonly preserveFds: number;
  readonly ignorePaused: boolean;
};

/** Runs a further process in a container. In the foreground this process becomes its monitor. */
export function exec(deps: Deps, request: ExecRequest): void {
  const { kernel } = deps;
  const state = peekState(kernel, deps.root, request.id);
  const config = readConfig(kernel, state.bundle);
  const process = request.process(config);
  checkProcess(process);
  checkDescriptors(deps, request.preserveFds);
  requireConsoleSocket(process.terminal === true, request.consoleSocket, request.detach);
  for (const name of unknownCapabilities(process.capabilities)) {
    deps.warn(`ignoring unknown capability \`${name}\``);
  }
  const init = openInit(deps, state, request.ignorePaused);
  const foregroundTerminal = process.terminal === true && !request.detach;
  const [ours, theirs] = foregroundTerminal ? kernel.streamPair() : [undefined, undefined];
  const console =
    request.consoleSocket === undefined ? theirs : kernel.connectUnix(request.consoleSocket);
  const unified = unifiedPath(state.cgroup);
  const plan = planExec(process, {
    init,
    namespaces: state.namespaces,
    tasksFiles: tasksFiles(state.cgroup),
    ...(unified === undefined ? {} : { unified }),
    ...(console === undefined ? {} : { consoleSocket: console }),
    preservedFds: request.preserveFds,
    ...seccompOf(deps, config),
  });
  inheritPreserved(plan, request.preserveFds);
  const runelet = spawnRunelet(deps, plan.inherited);
  submitPlan(deps, runelet, plan);
  const pid = awaitStart(deps, runelet.channel);
  if (request.pidFile !== undefined) writePidFile(kernel, request.pidFile, pid);
  if (request.detach) return;
  becomePlan(
    deps,
    planMonitor({
      pid,
      subreaper: request.subreaper,
      ...(ours === undefined ? {} : { console: ours }),
      cleanUp: { cgroupProcs: [], files: [], directories: [] },
    }),
  );
}

/** A pidfd of the init, checked to be it after it was opened. */
function openInit({ kernel, root }: Deps, state: State, ignorePaused: boolean): Fd {
  const { id, init } = state;
  const doing = `exec in \`${id}\``;
  if (init === undefined) {
    throw new RuneError({ code: "CONTAINER_STATE", doing, reason: "it is still being created" });
  }
  const pidfd = kernel.pidfd(init.pid as Pid);
  const status = statusOf(kernel, `${root}/${id}`, state);
  if (status === "stopped") {
    throw new RuneError({ code: "CONTAINER_NOT_RUNNING", doing, reason: "container not running" });
  }
  if (status === "paused" && !ignorePaused) {
    const hint = "resume it, or use --ignore-paused";
    throw new RuneError({ code: "CONTAINER_STATE", doing, reason: "it is paused", hint });
  }
  return pidfd;
}

/** The payload runs once the channel, which is close-on-exec, ends without a failure. */
function awaitStart({ kernel }: Deps, channel: Fd): Pid {
  let pid: Pid | undefined;
  for (;;) {
    const message = receive(kernel, channel);
    if (message.kind === "pid") pid = message.pid;
    if (message.kind === "failed") throw message.error;
    if (message.kind === "end") break;
  }
  kernel.close(channel);
  if (pid !== undefined) return pid;
  const doing = "start the process";
  throw new RuneError({ code: "RUNELET", doing, reason: "runelet died without a word" });
}
