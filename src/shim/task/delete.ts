// SPDX-License-Identifier: Apache-2.0
import { deleteContainer } from "../../container/delete.ts";
import type { Init } from "../../protobuf/schema.ts";
import type { Call } from "../../ttrpc/call.ts";
import { codes, StatusError } from "../../ttrpc/status.ts";
import { actAside } from "../aside.ts";
import { aside } from "../aside-input.ts";
import { forget } from "../forget.ts";
import { forgetTask } from "../memory.ts";
import { TaskDelete } from "../proto/events.gen.ts";
import type { DeleteRequest, DeleteResponse } from "../proto/task-v2.gen.ts";
import { unmountRootfs } from "../rootfs.ts";
import type { ShimServer } from "../server.ts";
import { processOf, type Task, type TaskProcess } from "../task.ts";
import { timestamp } from "../timestamp.ts";

const killedStatus = 137;

/** Removes a process that has ended or was never started; with the first one the whole container. */
export async function remove(
  server: ShimServer,
  { id, execId }: DeleteRequest,
  call: Call,
): Promise<Init<DeleteResponse>> {
  // containerd deletes what it has no patience for any more.
  if (execId === "") await server.giveUp(id);
  const task = server.task(id);
  const process = processOf(task, execId);
  if (process.starting || process.status === "running") {
    throw new StatusError(codes.FAILED_PRECONDITION, `\`${execId || id}\` is running`);
  }
  if (process === task.init) await removeTask(server, task, call.signal);
  else removeExec(server, task, process);
  const { pid, exitStatus, exitedAt } = process;
  return { pid, exitStatus, exitedAt: timestamp(exitedAt) };
}

function removeExec(server: ShimServer, task: Task, process: TaskProcess): void {
  forget(server, task, process);
  task.execs.delete(process.execId);
}

/** One after the other: what the first has removed, the second finds gone. */
async function removeTask(server: ShimServer, task: Task, signal: AbortSignal): Promise<void> {
  while (task.removing !== undefined) await task.removing.catch(() => {});
  server.task(task.id);
  task.removing = removeContainer(server, task, signal);
  try {
    await task.removing;
  } finally {
    delete task.removing;
  }
}

async function removeContainer(server: ShimServer, task: Task, signal: AbortSignal): Promise<void> {
  const { kernel, calls, place } = server.input;
  const { id, init } = task;
  task.checkpointing?.abort(new StatusError(codes.ABORTED, `\`${id}\` is being removed`));
  if (task.hooked) {
    const act = { ...aside(server, task), verb: "delete" };
    await actAside(server.input, act, [], signal);
  } else {
    await deleteContainer(task.deps, id, true);
  }
  for (const process of [init, ...task.execs.values()]) forget(server, task, process);
  // Deleted before it was started: it has been killed just now.
  if (init.exitedAt === undefined) init.end(killedStatus, BigInt(Date.now()) * 1_000_000n);
  if (task.mounted) unmountRootfs(calls, task.bundle);
  server.tasks.delete(id);
  server.left();
  server.pods.leave(task.pod);
  forgetTask(kernel, place, id);
  server.publish("/tasks/delete", TaskDelete, {
    ...{ containerId: id, pid: init.pid, exitStatus: init.exitStatus },
    exitedAt: timestamp(init.exitedAt),
  });
}
