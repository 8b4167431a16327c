// SPDX-License-Identifier: Apache-2.0
import type { Init } from "../../protobuf/schema.ts";
import { Status } from "../proto/task-types.gen.ts";
import type { StateRequest, StateResponse } from "../proto/task-v2.gen.ts";
import type { ShimServer } from "../server.ts";
import { processOf } from "../task.ts";
import { timestamp } from "../timestamp.ts";

export async function state(
  server: ShimServer,
  { id, execId }: StateRequest,
): Promise<Init<StateResponse>> {
  const task = server.task(id);
  const process = processOf(task, execId);
  const isPaused = task.paused && process === task.init && process.status === "running";
  const status = {
    created: Status.CREATED,
    running: isPaused ? Status.PAUSED : Status.RUNNING,
    stopped: Status.STOPPED,
  }[process.status];
  return {
    ...{ id, bundle: task.bundle, pid: process.pid, status, execId },
    ...process.streams,
    exitStatus: process.exitStatus,
    exitedAt: timestamp(process.exitedAt),
  };
}
