// SPDX-License-Identifier: Apache-2.0
import { kill as killContainer, signalInit } from "../../container/kill.ts";
import { RuneError } from "../../errors/error.ts";
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
  if (process === task.init) killTask(task, request);
  else killExec(server, process, request.signal);
  return {};
}

function killTask(task: Task, { signal, all }: KillRequest): void {
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

/** Checked to be the very process: it may have ended without our knowing yet, and its pid be another's. */
function killExec(server: ShimServer, process: TaskProcess, signal: number): void {
  const { pid, startTime } = process;
  const isOver = process.exitedAt !== undefined || startTime === undefined;
  if (isOver || !signalInit(server.input.kernel, { pid, startTime }, signal)) {
    throw finished(process.execId);
  }
}

function finished(name: string): StatusError {
  return new StatusError(codes.NOT_FOUND, `process already finished: \`${name}\``);
}
