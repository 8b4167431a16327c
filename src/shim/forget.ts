// SPDX-License-Identifier: Apache-2.0
import { RuneError } from "../errors/error.ts";
import type { ShimServer } from "./server.ts";
import type { Task, TaskProcess } from "./task.ts";

/** Its end is of no interest any more, and what is held for it is closed. */
export function forget(server: ShimServer, task: Task, process: TaskProcess): void {
  if (process.pid === 0) return;
  server.unwatch(process);
  try {
    task.pod.link.forget(process.token);
  } catch (error) {
    task.deps.warn(RuneError.from(error, "forget a process").message);
  }
}
