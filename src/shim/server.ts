// SPDX-License-Identifier: Apache-2.0
/** What all verbs of the task service share: the tasks of one namespace, their pods, and what is told of them. */
import type { Kernel } from "../kernel/kernel.ts";
import type { PlannerCalls } from "../kernel/planner-calls.ts";
import type { ShimCalls } from "../kernel/shim-calls.ts";
import type { Init, Schema } from "../protobuf/schema.ts";
import { codes, StatusError } from "../ttrpc/status.ts";
import type { Publisher } from "./events.ts";
import type { Log } from "./log.ts";
import type { Place } from "./place.ts";
import { type Ended, type Pod, Pods } from "./pods.ts";
import { TaskExit, TaskOOM } from "./proto/events.gen.ts";
import { exitStatusOf, type Task, type TaskProcess } from "./task.ts";
import { timestamp } from "./timestamp.ts";

export type ServerInput = {
  readonly kernel: Kernel;
  readonly calls: ShimCalls & PlannerCalls;
  readonly libDir: string;
  /** containerd's own. */
  readonly environment: ReadonlyMap<string, string>;
  readonly namespace: string;
  readonly place: Place;
  readonly publisher: Publisher;
  readonly log: Log;
  /** Something has been done, after which the process may rest. */
  readonly stir: () => void;
};

/** A `Create` that has not ended. Making an enclave takes minutes, in which nobody may want it any more. */
export type Making = { readonly controller: AbortController; readonly ended: Promise<void> };

const killed = 9;

export class ShimServer {
  readonly input: ServerInput;
  readonly tasks = new Map<string, Task>();
  /** Ids that are being made. */
  readonly making = new Map<string, Making>();
  readonly pods: Pods;
  readonly #watched = new Map<bigint, { task: Task; process: TaskProcess }>();
  readonly #kills = new Map<bigint, number>();
  #tokens = 0n;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(input: ServerInput) {
    this.input = input;
    this.pods = new Pods(input, input.place, {
      onExit: (token, ended) => this.#onExit(token, ended),
      onOom: (token, count) => this.#onOom(token, count),
      onLost: (pod) => this.#onLost(pod),
    });
  }

  token(): bigint {
    return ++this.#tokens;
  }

  /** A task that is still being made is given up; resolves when nothing of it is left. */
  async giveUp(id: string): Promise<void> {
    const making = this.making.get(id);
    const reason = `\`${id}\` is not wanted any more`;
    making?.controller.abort(new StatusError(codes.CANCELLED, reason));
    await making?.ended;
  }

  /** Resolves when there is no task, or none any more. */
  async idle(): Promise<void> {
    if (!this.isBusy()) return;
    this.#idle ??= Promise.withResolvers<void>();
    await this.#idle.promise;
  }

  /** A task is gone, or what was to become one. */
  left(): void {
    if (this.isBusy()) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  }

  isBusy(): boolean {
    return this.tasks.size > 0 || this.making.size > 0;
  }

  task(id: string): Task {
    const task = this.tasks.get(id);
    if (task !== undefined) return task;
    throw new StatusError(codes.NOT_FOUND, `container \`${id}\` does not exist`);
  }

  publish<T extends object>(topic: string, schema: Schema<T>, event: Init<T>): void {
    this.input.publisher.publish(topic, schema, event);
  }

  /** From here on its end is awaited. */
  watch(task: Task, process: TaskProcess): void {
    this.#watched.set(process.token, { task, process });
  }

  unwatch(process: TaskProcess): void {
    this.#watched.delete(process.token);
    this.#kills.delete(process.token);
  }

  /** Its start has been told: now its end may be. */
  started(task: Task, process: TaskProcess): void {
    process.starting = false;
    if (process.early !== undefined) this.#end(task, process, process.early);
    process.early = undefined;
  }

  #onExit(token: bigint, ended: Ended): void {
    this.input.stir();
    const watched = this.#watched.get(token);
    if (watched === undefined) return; // forgotten meanwhile
    const { task, process } = watched;
    if (process.starting) process.early = ended;
    else this.#end(task, process, ended);
  }

  #end(task: Task, process: TaskProcess, { status, at }: Ended): void {
    if (process.exitedAt !== undefined) return;
    if (process === task.init) task.endRest();
    process.end(exitStatusOf(status), at);
    this.publish("/tasks/exit", TaskExit, {
      containerId: task.id,
      id: process.execId === "" ? task.id : process.execId,
      pid: process.pid,
      exitStatus: process.exitStatus,
      exitedAt: timestamp(at),
    });
  }

  #onOom(token: bigint, count: number): void {
    const watched = this.#watched.get(token);
    const before = this.#kills.get(token) ?? 0;
    // memory.events of version 2 changes for other reasons, too.
    if (watched === undefined || (count > 0 && count <= before)) return;
    this.#kills.set(token, count);
    this.publish("/tasks/oom", TaskOOM, { containerId: watched.task.id });
  }

  /** Without its monitor nobody knows how they end: they are made to. */
  #onLost(pod: Pod): void {
    const at = BigInt(Date.now()) * 1_000_000n;
    for (const { task, process } of [...this.#watched.values()]) {
      if (task.pod !== pod || process.exitedAt !== undefined) continue;
      task.endRest();
      this.#end(task, process, { status: killed, at });
    }
  }
}
