// SPDX-License-Identifier: Apache-2.0
import { kill as killContainer } from "../../container/kill.ts";
import { RuneError } from "../../errors/error.ts";
import { ESRCH } from "../../kernel/constants.ts";
import { type Pid, unlessErrno } from "../../kernel/kernel.ts";
import type { Init } from "../../protobuf/schema.ts";
import type { Empty } from "../../protobuf/well-known.gen.ts";
import { codes, StatusError } from "../../ttrpc/status.ts";
import type { KillRequest } from "../proto/task-v2.gen.ts";
import type { ShimServer } from "../server.ts";
import { processOf, type Task, type TaskProcess } from "../task.ts";

/** A process that has ended is "not found": clients take that for success. */
export async function kill(server: ShimServer, request: KillRequest): Promise<Init<Empty>> {
  const task = server.task(request.id);
  const process = processOf(task, request.execId);
  if (process.pid === 0) {
    const reason = `process \`${request.execId}\` of \`${task.id}\` is not started`;
    throw new StatusError(codes.FAILED_PRECONDITION, reason);
  }
  if (process === task.init) killTask(server, task, request);
  else killExec(server, process, request.signal);
  return {};
}

function killTask(_: ShimServer, task: Task, { signal, all }: KillRequest): void {
  if (task.init.exitedAt !== undefined && !all) throw finished(task.id);
  try {
    killContainer(task.deps, task.id, signal, all);
  } catch (error) {
    if (error instanceof RuneError && error.code === "CONTAINER_NOT_RUNNING") {
      throw finished(task.id);
    }
    throw error;
  }
}

/** Its number is its own until it has been deleted here: the monitor is asked for its end, not /proc. */
function killExec(server: ShimServer, process: TaskProcess, signal: number): void {
  const { kernel } = server.input;
  if (process.exitedAt !== undefined) throw finished(process.execId);
  const pidfd = unlessErrno(() => kernel.pidfd(process.pid as Pid), ESRCH);
  if (pidfd === undefined) throw finished(process.execId);
  try {
    unlessErrno(() => kernel.pidfdSignal(pidfd, signal), ESRCH);
  } finally {
    kernel.close(pidfd);
  }
}

function finished(name: string): StatusError {
  return new StatusError(codes.NOT_FOUND, `process already finished: \`${name}\``);
}
