// SPDX-License-Identifier: Apache-2.0
import { deleteContainer } from "../../container/delete.ts";
import { RuneError } from "../../errors/error.ts";
import type { Init } from "../../protobuf/schema.ts";
import { codes, StatusError } from "../../ttrpc/status.ts";
import { actAside } from "../aside.ts";
import { aside } from "../aside-input.ts";
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
): Promise<Init<DeleteResponse>> {
  // containerd deletes what it has no patience for any more.
  if (execId === "") await server.giveUp(id);
  const task = server.task(id);
  const process = processOf(task, execId);
  if (process.starting || process.status === "running") {
    throw new StatusError(codes.FAILED_PRECONDITION, `\`${execId || id}\` is running`);
  }
  if (process === task.init) await removeContainer(server, task);
  else removeExec(server, task, process);
  const { pid, exitStatus, exitedAt } = process;
  return { pid, exitStatus, exitedAt: timestamp(exitedAt) };
}

function removeExec(server: ShimServer, task: Task, process: TaskProcess): void {
  if (process.pid !== 0) forget(server, task, process);
  task.execs.delete(process.execId);
}

async function removeContainer(server: ShimServer, task: Task): Promise<void> {
  const { kernel, calls, place } = server.input;
  const { id, init } = task;
  if (task.hooked) {
    const act = { ...aside(server, task.pod, task.options), verb: "delete", id };
    await actAside(server.input, act, []);
  } else {
    await deleteContainer(task.deps, id, true);
  }
  for (const process of [init, ...task.execs.values()]) {
    if (process.pid !== 0) forget(server, task, process);
  }
  // Deleted before it was started: it has been killed just now.
  if (init.exitedAt === undefined) init.end(killedStatus, BigInt(Date.now()) * 1_000_000n);
  if (task.mounted) unmountRootfs(calls, task.bundle);
  server.tasks.delete(id);
  server.pods.leave(task.pod);
  forgetTask(kernel, place, id);
  server.publish("/tasks/delete", TaskDelete, {
    ...{ containerId: id, pid: init.pid, exitStatus: init.exitStatus },
    exitedAt: timestamp(init.exitedAt),
  });
}

function forget(server: ShimServer, task: Task, process: TaskProcess): void {
  server.unwatch(process);
  try {
    task.pod.link.forget(process.token);
  } catch (error) {
    task.deps.warn(RuneError.from(error, "forget a process").message);
  }
}
