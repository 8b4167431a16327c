// SPDX-License-Identifier: Apache-2.0
import { peekState } from "../container/store.ts";
import type { Fd, Pid } from "../kernel/kernel.ts";
import { receiveMaster } from "./master.ts";
import { watchMemory } from "./oom.ts";
import type { ShimServer } from "./server.ts";
import { holdInput, type Opened } from "./stdio.ts";
import type { Task } from "./task.ts";

/** The container is there: its end is awaited, and what is held goes to the monitor. */
export function attach(server: ShimServer, task: Task, ready: Opened, opened: Fd[]): void {
  const { kernel } = server.input;
  const { held, console } = ready;
  const { init, deps, pod } = task;
  const state = peekState(kernel, deps.root, task.id);
  init.pid = state.init?.pid ?? 0;
  const master = console === undefined ? {} : { master: receiveMaster(kernel, console.ours) };
  const given = { ...held, ...master, ...holdInput(server.input, init.streams, ready) };
  const handed = new Set<Fd>(Object.values(given));
  const left = opened.filter((fd) => !handed.has(fd));
  opened.splice(0, opened.length, ...left);
  server.watch(task, init);
  pod.link.watch(init.token, init.pid as Pid, given);
  watchMemory(kernel, pod.link, init.token, state.cgroup, deps.warn);
}
