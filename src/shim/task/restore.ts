// SPDX-License-Identifier: Apache-2.0
import type { Fd } from "../../kernel/kernel.ts";
import { actAside } from "../aside.ts";
import { aside } from "../aside-input.ts";
import { attach } from "../attach.ts";
import { forget } from "../forget.ts";
import { deleteOwn } from "../ownership.ts";
import type { ShimServer } from "../server.ts";
import { openStreams } from "../stdio.ts";
import { surroundingsOf } from "../surroundings.ts";
import type { Task } from "../task.ts";

/** Start of a task that was created from a checkpoint: its processes go on where they were. */
export async function restoreTask(
  server: ShimServer,
  task: Task,
  images: string,
  signal: AbortSignal,
): Promise<void> {
  const { kernel } = server.input;
  const opened: Fd[] = [];
  try {
    const ready = await openStreams(surroundingsOf(server, task), task.init.streams, opened);
    const { console } = ready;
    const descriptors = [...ready.stdio, ...(console === undefined ? [] : [console.theirs])];
    const act = { ...aside(server, task), verb: "restore", images };
    try {
      await actAside(server.input, act, descriptors, signal);
      attach(server, task, ready, opened);
    } catch (error) {
      forget(server, task, task.init);
      // What was given up has not undone itself.
      await deleteOwn(task.deps, task.id, task.bundle);
      throw error;
    }
  } finally {
    for (const fd of opened) kernel.close(fd);
  }
}
