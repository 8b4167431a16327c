// SPDX-License-Identifier: Apache-2.0
import { exec as execInContainer } from "../../container/exec.ts";
import { kill as killContainer } from "../../container/kill.ts";
import { start as startContainer } from "../../container/start.ts";
import { readProcess } from "../../container/status.ts";
import { withoutEnclaveVariables } from "../../enclave/mentions.ts";
import { RuneError } from "../../errors/error.ts";
import { SIGKILL } from "../../kernel/constants.ts";
import type { Fd } from "../../kernel/kernel.ts";
import type { Call } from "../../ttrpc/call.ts";
import { codes, StatusError } from "../../ttrpc/status.ts";
import { actAside } from "../aside.ts";
import { aside } from "../aside-input.ts";
import { receiveMaster } from "../master.ts";
import { monitorKernel } from "../monitor-kernel.ts";
import { TaskExecStarted, TaskStart } from "../proto/events.gen.ts";
import type { StartRequest, StartResponse } from "../proto/task-v2.gen.ts";
import type { ShimServer } from "../server.ts";
import { holdInput, openStreams } from "../stdio.ts";
import { surroundingsOf } from "../surroundings.ts";
import { processOf, type Task, type TaskProcess } from "../task.ts";
import { restoreTask } from "./restore.ts";

/** Lets a created process run. Its end is told after its start, however soon it comes. */
export async function start(
  server: ShimServer,
  request: StartRequest,
  call: Call,
): Promise<StartResponse> {
  const task = server.task(request.id);
  const process = processOf(task, request.execId);
  if (process.status !== "created" || process.starting) {
    const reason = `process \`${request.execId}\` of \`${task.id}\` is ${process.status}`;
    throw new StatusError(codes.FAILED_PRECONDITION, reason);
  }
  process.starting = true;
  try {
    if (process === task.init) await startInit(server, task, call.signal);
    else await startExec(server, task, process);
  } catch (error) {
    if (process !== task.init) server.unwatch(process);
    if (process.early !== undefined) server.started(task, process);
    process.starting = false;
    if (process !== task.init) process.end(255, BigInt(Date.now()) * 1_000_000n);
    throw error;
  }
  process.status = "running";
  tell(server, task, process);
  server.started(task, process);
  return { pid: process.pid };
}

async function startInit(server: ShimServer, task: Task, signal: AbortSignal): Promise<void> {
  const { id, deps } = task;
  if (task.images !== undefined) return await restoreTask(server, task, task.images, signal);
  if (!task.hooked) return await startContainer(deps, id);
  try {
    await actAside(server.input, { ...aside(server, task), verb: "start" }, [], signal);
  } catch (error) {
    // Where one of its hooks fails, the verb has ended it. Where nobody waits for the hook, nobody has.
    if (signal.aborted) endTask(task);
    throw error;
  }
}

function endTask({ deps, id }: Task): void {
  try {
    killContainer(deps, id, SIGKILL, false);
  } catch (error) {
    const cause = RuneError.from(error, `end \`${id}\``);
    if (cause.code !== "CONTAINER_NOT_RUNNING") deps.warn(cause.message);
  }
}

function tell(server: ShimServer, task: Task, process: TaskProcess): void {
  const { pid, execId } = process;
  const containerId = task.id;
  if (process === task.init) server.publish("/tasks/start", TaskStart, { containerId, pid });
  else server.publish("/tasks/exec-started", TaskExecStarted, { containerId, execId, pid });
}

async function startExec(server: ShimServer, task: Task, process: TaskProcess): Promise<void> {
  const { kernel } = server.input;
  const { link } = task.pod;
  const { config } = process;
  if (config === undefined) return;
  const opened: Fd[] = [];
  let watched = false;
  try {
    const ready = await openStreams(surroundingsOf(server, task), process.streams, opened);
    const { console } = ready;
    const deps = { ...task.deps, kernel: monitorKernel(kernel, link, ready.stdio) };
    await execInContainer(deps, {
      id: task.id,
      process: (state) => forPayload(config, state.enclave !== undefined),
      ...(console === undefined ? {} : { consoleSocket: console.theirs }),
      onReady: (pid) => {
        const master = console === undefined ? {} : { master: receiveMaster(kernel, console.ours) };
        const input = holdInput(server.input, process.streams, ready);
        const held = { ...ready.held, ...master, ...input };
        const handed = new Set<Fd>(Object.values(held));
        opened.splice(0, opened.length, ...opened.filter((fd) => !handed.has(fd)));
        process.pid = pid;
        process.startTime = readProcess(kernel, pid)?.startTime;
        server.watch(task, process);
        link.watch(process.token, pid, held);
        watched = true;
        if (process.closesInput) link.closeInput(process.token);
      },
      detach: true,
      subreaper: false,
      preserveFds: 0,
      ignorePaused: false,
      cgroups: [],
    });
  } catch (error) {
    if (watched) link.forget(process.token);
    throw RuneError.from(error, `exec in \`${task.id}\``);
  } finally {
    for (const fd of opened) kernel.close(fd);
  }
}

/** Engines put the container's own variables into it too: the enclave's secrets among them. */
function forPayload(config: NonNullable<TaskProcess["config"]>, enclave: boolean) {
  return enclave ? { ...config, env: withoutEnclaveVariables(config.env ?? []) } : config;
}
