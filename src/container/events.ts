// SPDX-License-Identifier: Apache-2.0
import { type OomWatch, watchOom } from "../cgroups/oom.ts";
import { readStats, type Stats } from "../cgroups/stats.ts";
import { RuneError } from "../errors/error.ts";
import { ESRCH } from "../kernel/constants.ts";
import { type Awaited, type Fd, type Kernel, type Pid, unlessErrno } from "../kernel/kernel.ts";
import { rdtStats } from "../rdt/stats.ts";
import { closingOnFailure, type Deps } from "./deps.ts";
import type { EnclaveEvent } from "./journal.ts";
import type { State } from "./state.ts";
import { statusOf } from "./status.ts";
import { peekState } from "./store.ts";

/** What `--json` adds is of a shape of its own: it has a time. */
export type ContainerEvent =
  | { readonly type: "stats"; readonly id: string; readonly data: Stats }
  | { readonly type: "oom"; readonly id: string }
  | EnclaveEvent;

export type Emit = (event: ContainerEvent) => void;

/** What the container uses now. */
export function statistics(deps: Deps, id: string, emit: Emit): void {
  emit({ type: "stats", id, data: measure(deps.kernel, livingState(deps, id)) });
}

function measure(kernel: Kernel, { cgroup, intelRdt }: State): Stats {
  const stats = readStats(kernel, cgroup);
  return intelRdt === undefined ? stats : { ...stats, intel_rdt: rdtStats(kernel, intelRdt) };
}

/** Tells what the container uses at every interval, and whenever it runs out of memory, until it ends. */
export function events(
  deps: Deps,
  id: string,
  intervalMs: number,
  emit: Emit,
  withEnclave = false,
): Promise<void> {
  return closingOnFailure(deps, async (own) => {
    const isEnclave = withEnclave && livingState(own, id).enclave?.pal !== undefined;
    const follow = isEnclave ? await followerOf(own, emit, id) : undefined;
    follow?.();
    watch(own, id, intervalMs, emit, follow);
    if (!isEnclave) return;
    emit({ type: "enclave-ended", id, time: new Date().toISOString() });
  });
}

/** The last events of all enclaves, and those that come: looked for at every interval. */
export async function enclaveEvents(
  deps: Deps,
  intervalMs: number | undefined,
  emit: Emit,
): Promise<void> {
  const follow = await followerOf(deps, emit);
  for (follow(); intervalMs !== undefined; follow()) deps.kernel.sleepMs(intervalMs);
}

/** Emits what has been written down since the last call: of one container, or of all. */
async function followerOf(deps: Deps, emit: Emit, id?: string): Promise<() => void> {
  const { readEvents } = await import("./journal.ts");
  let told: ReadonlySet<string> = new Set();
  return () => {
    const found = readEvents(deps.kernel, deps.root).map((event) => ({
      event,
      line: JSON.stringify(event),
    }));
    for (const { event, line } of found) {
      if (told.has(line) || (id !== undefined && !isPresent(event, id))) continue;
      emit(event);
    }
    told = new Set(found.map(({ line }) => line));
  };
}

/** The end of a container that lives is that of an earlier one of its name, or is seen by the watch itself. */
function isPresent({ type, id }: EnclaveEvent, wanted: string): boolean {
  return id === wanted && type !== "enclave-ended";
}

function watch(
  deps: Deps,
  id: string,
  intervalMs: number,
  emit: Emit,
  follow: (() => void) | undefined,
): void {
  const { kernel } = deps;
  const state = livingState(deps, id);
  const init = openInit(deps, state);
  const oom = watchOom(kernel, state.cgroup);
  const end: Awaited = { fd: init, change: false };
  for (let dueMs = kernel.nowMs() + intervalMs; ; ) {
    const leftMs = Math.max(0, dueMs - kernel.nowMs());
    const ready = kernel.waitAny([end, ...(oom?.awaited ?? [])], leftMs);
    // First, as running out of memory may be what init has died of.
    const gone = tellOom(oom, ready.length > 0, () => emit({ type: "oom", id }));
    if (gone || ready.includes(init)) break;
    if (kernel.nowMs() < dueMs) continue;
    emit({ type: "stats", id, data: measure(kernel, state) });
    follow?.();
    dueMs = Math.max(dueMs + intervalMs, kernel.nowMs());
  }
  oom?.close();
  kernel.close(init);
}

/** True when the cgroup is gone. */
function tellOom(oom: OomWatch | undefined, isReady: boolean, tell: () => void): boolean {
  if (oom === undefined || !isReady) return false;
  const count = oom.take();
  if (count === "gone") return true;
  for (let index = 0; index < count; index++) tell();
  return false;
}

function livingState({ kernel, root }: Deps, id: string): State {
  const state = peekState(kernel, root, id);
  const status = statusOf(kernel, `${root}/${id}`, state);
  if (status === "stopped" || status === "creating") throw notRunning(id, status);
  return state;
}

/** A pidfd of the init, checked to be it after it was opened. */
function openInit({ kernel, root }: Deps, state: State): Fd {
  // A living container has an init.
  const pid = (state.init?.pid ?? 0) as Pid;
  const pidfd = unlessErrno(() => kernel.pidfd(pid), ESRCH);
  if (pidfd === undefined || statusOf(kernel, `${root}/${state.id}`, state) === "stopped") {
    throw notRunning(state.id, "stopped");
  }
  return pidfd;
}

function notRunning(id: string, status: string): RuneError {
  const reason = `container not running: it is ${status}`;
  return new RuneError({ code: "CONTAINER_NOT_RUNNING", doing: `watch \`${id}\``, reason });
}
