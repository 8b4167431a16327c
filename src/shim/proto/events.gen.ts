// SPDX-License-Identifier: Apache-2.0
/** Made from events.proto by `npm run format`. Change that instead. */

import { type Schema, schema } from "../../protobuf/schema.ts";
import { Timestamp } from "../../protobuf/well-known.gen.ts";
import { Mount } from "./types.gen.ts";

export type TaskIO = {
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly terminal: boolean;
};
export const TaskIO: Schema<TaskIO> = schema("containerd.events.TaskIO", {
  stdin: [1, "string"],
  stdout: [2, "string"],
  stderr: [3, "string"],
  terminal: [4, "bool"],
});

export type TaskCreate = {
  readonly containerId: string;
  readonly bundle: string;
  readonly rootfs: readonly Mount[];
  readonly io: TaskIO | undefined;
  readonly checkpoint: string;
  readonly pid: number;
};
export const TaskCreate: Schema<TaskCreate> = schema("containerd.events.TaskCreate", {
  containerId: [1, "string"],
  bundle: [2, "string"],
  rootfs: [3, Mount, "list"],
  io: [4, TaskIO],
  checkpoint: [5, "string"],
  pid: [6, "uint32"],
});

export type TaskStart = { readonly containerId: string; readonly pid: number };
export const TaskStart: Schema<TaskStart> = schema("containerd.events.TaskStart", {
  containerId: [1, "string"],
  pid: [2, "uint32"],
});

export type TaskDelete = {
  readonly containerId: string;
  readonly pid: number;
  readonly exitStatus: number;
  readonly exitedAt: Timestamp | undefined;
  readonly id: string;
};
export const TaskDelete: Schema<TaskDelete> = schema("containerd.events.TaskDelete", {
  containerId: [1, "string"],
  pid: [2, "uint32"],
  exitStatus: [3, "uint32"],
  exitedAt: [4, Timestamp],
  id: [5, "string"],
});

export type TaskExit = {
  readonly containerId: string;
  readonly id: string;
  readonly pid: number;
  readonly exitStatus: number;
  readonly exitedAt: Timestamp | undefined;
};
export const TaskExit: Schema<TaskExit> = schema("containerd.events.TaskExit", {
  containerId: [1, "string"],
  id: [2, "string"],
  pid: [3, "uint32"],
  exitStatus: [4, "uint32"],
  exitedAt: [5, Timestamp],
});

export type TaskOOM = { readonly containerId: string };
export const TaskOOM: Schema<TaskOOM> = schema("containerd.events.TaskOOM", {
  containerId: [1, "string"],
});

export type TaskExecAdded = { readonly containerId: string; readonly execId: string };
export const TaskExecAdded: Schema<TaskExecAdded> = schema("containerd.events.TaskExecAdded", {
  containerId: [1, "string"],
  execId: [2, "string"],
});

export type TaskExecStarted = {
  readonly containerId: string;
  readonly execId: string;
  readonly pid: number;
};
export const TaskExecStarted: Schema<TaskExecStarted> = schema(
  "containerd.events.TaskExecStarted",
  { containerId: [1, "string"], execId: [2, "string"], pid: [3, "uint32"] },
);

export type TaskPaused = { readonly containerId: string };
export const TaskPaused: Schema<TaskPaused> = schema("containerd.events.TaskPaused", {
  containerId: [1, "string"],
});

export type TaskResumed = { readonly containerId: string };
export const TaskResumed: Schema<TaskResumed> = schema("containerd.events.TaskResumed", {
  containerId: [1, "string"],
});

export type TaskCheckpointed = { readonly containerId: string; readonly checkpoint: string };
export const TaskCheckpointed: Schema<TaskCheckpointed> = schema(
  "containerd.events.TaskCheckpointed",
  { containerId: [1, "string"], checkpoint: [2, "string"] },
);
