// SPDX-License-Identifier: Apache-2.0
/** What the server knows of a container and its processes. */
import type { Deps } from "../container/deps.ts";
import type { Process as ProcessConfig } from "../oci/config.ts";
import { codes, StatusError } from "../ttrpc/status.ts";
import type { TaskOptions } from "./options.ts";
import type { Ended, Pod } from "./pods.ts";
import type { Streams } from "./stdio.ts";

export type ProcessStatus = "created" | "running" | "stopped";

/** A container's first process, or one of exec's. */
export class TaskProcess {
  /** Empty for the first one. */
  readonly execId: string;
  readonly token: bigint;
  readonly streams: Streams;
  /** Of exec's. */
  readonly config: ProcessConfig | undefined;
  status: ProcessStatus = "created";
  pid = 0;
  /** In clock ticks since boot; of exec's once they are started. */
  startTime: number | undefined;
  exitStatus = 0;
  /** Nanoseconds since the epoch; undefined while it has not ended. */
  exitedAt: bigint | undefined;
  /** Its start has not been told yet, and its end must not be before. */
  starting = false;
  early: Ended | undefined;
  /** CloseIO came before its start. */
  closesInput = false;
  readonly #waiting = new Set<() => void>();

  constructor(execId: string, token: bigint, streams: Streams, config?: ProcessConfig) {
    this.execId = execId;
    this.token = token;
    this.streams = streams;
    this.config = config;
  }

  end(exitStatus: number, at: bigint): void {
    this.status = "stopped";
    this.exitStatus = exitStatus;
    this.exitedAt = at;
    for (const settle of this.#waiting) settle();
    this.#waiting.clear();
  }

  /** Resolves when it has ended; rejects with the signal's reason. */
  ended(signal: AbortSignal): Promise<void> {
    if (this.exitedAt !== undefined) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const settle = () => {
        signal.removeEventListener("abort", abort);
        resolve();
      };
      const abort = () => {
        this.#waiting.delete(settle);
        reject(signal.reason);
      };
      this.#waiting.add(settle);
      signal.addEventListener("abort", abort, { once: true });
    });
  }
}

export type Task = {
  readonly id: string;
  readonly bundle: string;
  readonly pod: Pod;
  readonly deps: Deps;
  readonly options: TaskOptions;
  readonly init: TaskProcess;
  readonly execs: Map<string, TaskProcess>;
  readonly mounted: boolean;
  /** Ends what the container's end leaves, where it has no pid namespace of its own. */
  readonly endRest: () => void;
  /** Has hooks for its start or its removal: those are done aside. */
  readonly hooked: boolean;
  paused: boolean;
  /** Of a checkpoint, from which Start restores it. */
  readonly images?: string;
  /** A Checkpoint that is on its way; given up when the task is removed. */
  checkpointing?: AbortController;
  /** A Delete that is on its way. */
  removing?: Promise<void>;
};

export function processOf(task: Task, execId: string): TaskProcess {
  const found = execId === "" ? task.init : task.execs.get(execId);
  if (found !== undefined) return found;
  throw new StatusError(codes.NOT_FOUND, `process \`${execId}\` of \`${task.id}\` does not exist`);
}

/** What a shell would say: the code, or 128 and the signal. */
export function exitStatusOf(status: number): number {
  const signal = status & 0x7f;
  return signal === 0 ? (status >> 8) & 0xff : 128 + signal;
}
