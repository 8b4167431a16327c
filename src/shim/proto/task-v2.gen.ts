// SPDX-License-Identifier: Apache-2.0
/** Made from task-v2.proto by `npm run format`. Change that instead. */

import { type Schema, type ServiceType, schema } from "../../protobuf/schema.ts";
import { Any, Empty, Timestamp } from "../../protobuf/well-known.gen.ts";
import { ProcessInfo } from "./task-types.gen.ts";
import { Mount } from "./types.gen.ts";

export type CreateTaskRequest = {
  readonly id: string;
  readonly bundle: string;
  readonly rootfs: readonly Mount[];
  readonly terminal: boolean;
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly checkpoint: string;
  readonly parentCheckpoint: string;
  readonly options: Any | undefined;
};
export const CreateTaskRequest: Schema<CreateTaskRequest> = schema(
  "containerd.task.v2.CreateTaskRequest",
  {
    id: [1, "string"],
    bundle: [2, "string"],
    rootfs: [3, Mount, "list"],
    terminal: [4, "bool"],
    stdin: [5, "string"],
    stdout: [6, "string"],
    stderr: [7, "string"],
    checkpoint: [8, "string"],
    parentCheckpoint: [9, "string"],
    options: [10, Any],
  },
);

export type CreateTaskResponse = { readonly pid: number };
export const CreateTaskResponse: Schema<CreateTaskResponse> = schema(
  "containerd.task.v2.CreateTaskResponse",
  { pid: [1, "uint32"] },
);

export type DeleteRequest = { readonly id: string; readonly execId: string };
export const DeleteRequest: Schema<DeleteRequest> = schema("containerd.task.v2.DeleteRequest", {
  id: [1, "string"],
  execId: [2, "string"],
});

export type DeleteResponse = {
  readonly pid: number;
  readonly exitStatus: number;
  readonly exitedAt: Timestamp | undefined;
};
export const DeleteResponse: Schema<DeleteResponse> = schema("containerd.task.v2.DeleteResponse", {
  pid: [1, "uint32"],
  exitStatus: [2, "uint32"],
  exitedAt: [3, Timestamp],
});

export type ExecProcessRequest = {
  readonly id: string;
  readonly execId: string;
  readonly terminal: boolean;
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly spec: Any | undefined;
};
export const ExecProcessRequest: Schema<ExecProcessRequest> = schema(
  "containerd.task.v2.ExecProcessRequest",
  {
    id: [1, "string"],
    execId: [2, "string"],
    terminal: [3, "bool"],
    stdin: [4, "string"],
    stdout: [5, "string"],
    stderr: [6, "string"],
    spec: [7, Any],
  },
);

export type ResizePtyRequest = {
  readonly id: string;
  readonly execId: string;
  readonly width: number;
  readonly height: number;
};
export const ResizePtyRequest: Schema<ResizePtyRequest> = schema(
  "containerd.task.v2.ResizePtyRequest",
  { id: [1, "string"], execId: [2, "string"], width: [3, "uint32"], height: [4, "uint32"] },
);

export type StateRequest = { readonly id: string; readonly execId: string };
export const StateRequest: Schema<StateRequest> = schema("containerd.task.v2.StateRequest", {
  id: [1, "string"],
  execId: [2, "string"],
});

export type StateResponse = {
  readonly id: string;
  readonly bundle: string;
  readonly pid: number;
  readonly status: number;
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly terminal: boolean;
  readonly exitStatus: number;
  readonly exitedAt: Timestamp | undefined;
  readonly execId: string;
};
export const StateResponse: Schema<StateResponse> = schema("containerd.task.v2.StateResponse", {
  id: [1, "string"],
  bundle: [2, "string"],
  pid: [3, "uint32"],
  status: [4, "enum"],
  stdin: [5, "string"],
  stdout: [6, "string"],
  stderr: [7, "string"],
  terminal: [8, "bool"],
  exitStatus: [9, "uint32"],
  exitedAt: [10, Timestamp],
  execId: [11, "string"],
});

export type KillRequest = {
  readonly id: string;
  readonly execId: string;
  readonly signal: number;
  readonly all: boolean;
};
export const KillRequest: Schema<KillRequest> = schema("containerd.task.v2.KillRequest", {
  id: [1, "string"],
  execId: [2, "string"],
  signal: [3, "uint32"],
  all: [4, "bool"],
});

export type CloseIORequest = {
  readonly id: string;
  readonly execId: string;
  readonly stdin: boolean;
};
export const CloseIORequest: Schema<CloseIORequest> = schema("containerd.task.v2.CloseIORequest", {
  id: [1, "string"],
  execId: [2, "string"],
  stdin: [3, "bool"],
});

export type PidsRequest = { readonly id: string };
export const PidsRequest: Schema<PidsRequest> = schema("containerd.task.v2.PidsRequest", {
  id: [1, "string"],
});

export type PidsResponse = { readonly processes: readonly ProcessInfo[] };
export const PidsResponse: Schema<PidsResponse> = schema("containerd.task.v2.PidsResponse", {
  processes: [1, ProcessInfo, "list"],
});

export type CheckpointTaskRequest = {
  readonly id: string;
  readonly path: string;
  readonly options: Any | undefined;
};
export const CheckpointTaskRequest: Schema<CheckpointTaskRequest> = schema(
  "containerd.task.v2.CheckpointTaskRequest",
  { id: [1, "string"], path: [2, "string"], options: [3, Any] },
);

export type UpdateTaskRequest = {
  readonly id: string;
  readonly resources: Any | undefined;
  readonly annotations: ReadonlyMap<string, string>;
};
export const UpdateTaskRequest: Schema<UpdateTaskRequest> = schema(
  "containerd.task.v2.UpdateTaskRequest",
  { id: [1, "string"], resources: [2, Any], annotations: [3, "string", "map"] },
);

export type StartRequest = { readonly id: string; readonly execId: string };
export const StartRequest: Schema<StartRequest> = schema("containerd.task.v2.StartRequest", {
  id: [1, "string"],
  execId: [2, "string"],
});

export type StartResponse = { readonly pid: number };
export const StartResponse: Schema<StartResponse> = schema("containerd.task.v2.StartResponse", {
  pid: [1, "uint32"],
});

export type WaitRequest = { readonly id: string; readonly execId: string };
export const WaitRequest: Schema<WaitRequest> = schema("containerd.task.v2.WaitRequest", {
  id: [1, "string"],
  execId: [2, "string"],
});

export type WaitResponse = {
  readonly exitStatus: number;
  readonly exitedAt: Timestamp | undefined;
};
export const WaitResponse: Schema<WaitResponse> = schema("containerd.task.v2.WaitResponse", {
  exitStatus: [1, "uint32"],
  exitedAt: [2, Timestamp],
});

export type StatsRequest = { readonly id: string };
export const StatsRequest: Schema<StatsRequest> = schema("containerd.task.v2.StatsRequest", {
  id: [1, "string"],
});

export type StatsResponse = { readonly stats: Any | undefined };
export const StatsResponse: Schema<StatsResponse> = schema("containerd.task.v2.StatsResponse", {
  stats: [1, Any],
});

export type ConnectRequest = { readonly id: string };
export const ConnectRequest: Schema<ConnectRequest> = schema("containerd.task.v2.ConnectRequest", {
  id: [1, "string"],
});

export type ConnectResponse = {
  readonly shimPid: number;
  readonly taskPid: number;
  readonly version: string;
};
export const ConnectResponse: Schema<ConnectResponse> = schema(
  "containerd.task.v2.ConnectResponse",
  { shimPid: [1, "uint32"], taskPid: [2, "uint32"], version: [3, "string"] },
);

export type ShutdownRequest = { readonly id: string; readonly now: boolean };
export const ShutdownRequest: Schema<ShutdownRequest> = schema(
  "containerd.task.v2.ShutdownRequest",
  { id: [1, "string"], now: [2, "bool"] },
);

export type PauseRequest = { readonly id: string };
export const PauseRequest: Schema<PauseRequest> = schema("containerd.task.v2.PauseRequest", {
  id: [1, "string"],
});

export type ResumeRequest = { readonly id: string };
export const ResumeRequest: Schema<ResumeRequest> = schema("containerd.task.v2.ResumeRequest", {
  id: [1, "string"],
});

export const Task = {
  typeName: "containerd.task.v2.Task",
  methods: {
    State: { request: StateRequest, response: StateResponse },
    Create: { request: CreateTaskRequest, response: CreateTaskResponse },
    Start: { request: StartRequest, response: StartResponse },
    Delete: { request: DeleteRequest, response: DeleteResponse },
    Pids: { request: PidsRequest, response: PidsResponse },
    Pause: { request: PauseRequest, response: Empty },
    Resume: { request: ResumeRequest, response: Empty },
    Checkpoint: { request: CheckpointTaskRequest, response: Empty },
    Kill: { request: KillRequest, response: Empty },
    Exec: { request: ExecProcessRequest, response: Empty },
    ResizePty: { request: ResizePtyRequest, response: Empty },
    CloseIO: { request: CloseIORequest, response: Empty },
    Update: { request: UpdateTaskRequest, response: Empty },
    Wait: { request: WaitRequest, response: WaitResponse },
    Stats: { request: StatsRequest, response: StatsResponse },
    Connect: { request: ConnectRequest, response: ConnectResponse },
    Shutdown: { request: ShutdownRequest, response: Empty },
  },
} as const satisfies ServiceType;
