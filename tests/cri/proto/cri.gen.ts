// SPDX-License-Identifier: Apache-2.0
/** Made from cri.proto by `npm run format`. Change that instead. */

import { type Schema, type ServiceType, schema } from "../../../src/protobuf/schema.ts";

export const NamespaceMode = { POD: 0, CONTAINER: 1, NODE: 2, TARGET: 3 } as const;

export const PodSandboxState = { SANDBOX_READY: 0, SANDBOX_NOTREADY: 1 } as const;

export const ContainerState = {
  CONTAINER_CREATED: 0,
  CONTAINER_RUNNING: 1,
  CONTAINER_EXITED: 2,
  CONTAINER_UNKNOWN: 3,
} as const;

export type Nothing = Readonly<Record<string, never>>;
export const Nothing: Schema<Nothing> = schema("runtime.v1.Nothing", {});

export type PodSandboxRequest = { readonly podSandboxId: string };
export const PodSandboxRequest: Schema<PodSandboxRequest> = schema("runtime.v1.PodSandboxRequest", {
  podSandboxId: [1, "string"],
});

export type ContainerRequest = { readonly containerId: string };
export const ContainerRequest: Schema<ContainerRequest> = schema("runtime.v1.ContainerRequest", {
  containerId: [1, "string"],
});

export type VersionRequest = { readonly version: string };
export const VersionRequest: Schema<VersionRequest> = schema("runtime.v1.VersionRequest", {
  version: [1, "string"],
});

export type VersionResponse = {
  readonly version: string;
  readonly runtimeName: string;
  readonly runtimeVersion: string;
  readonly runtimeApiVersion: string;
};
export const VersionResponse: Schema<VersionResponse> = schema("runtime.v1.VersionResponse", {
  version: [1, "string"],
  runtimeName: [2, "string"],
  runtimeVersion: [3, "string"],
  runtimeApiVersion: [4, "string"],
});

export type StatusRequest = { readonly verbose: boolean };
export const StatusRequest: Schema<StatusRequest> = schema("runtime.v1.StatusRequest", {
  verbose: [1, "bool"],
});

export type RuntimeCondition = {
  readonly type: string;
  readonly status: boolean;
  readonly reason: string;
  readonly message: string;
};
export const RuntimeCondition: Schema<RuntimeCondition> = schema("runtime.v1.RuntimeCondition", {
  type: [1, "string"],
  status: [2, "bool"],
  reason: [3, "string"],
  message: [4, "string"],
});

export type RuntimeStatus = { readonly conditions: readonly RuntimeCondition[] };
export const RuntimeStatus: Schema<RuntimeStatus> = schema("runtime.v1.RuntimeStatus", {
  conditions: [1, RuntimeCondition, "list"],
});

export type StatusResponse = {
  readonly status: RuntimeStatus | undefined;
  readonly info: ReadonlyMap<string, string>;
};
export const StatusResponse: Schema<StatusResponse> = schema("runtime.v1.StatusResponse", {
  status: [1, RuntimeStatus],
  info: [2, "string", "map"],
});

export type PodSandboxMetadata = {
  readonly name: string;
  readonly uid: string;
  readonly namespace: string;
  readonly attempt: number;
};
export const PodSandboxMetadata: Schema<PodSandboxMetadata> = schema(
  "runtime.v1.PodSandboxMetadata",
  { name: [1, "string"], uid: [2, "string"], namespace: [3, "string"], attempt: [4, "uint32"] },
);

export type NamespaceOption = {
  readonly network: number;
  readonly pid: number;
  readonly ipc: number;
};
export const NamespaceOption: Schema<NamespaceOption> = schema("runtime.v1.NamespaceOption", {
  network: [1, "enum"],
  pid: [2, "enum"],
  ipc: [3, "enum"],
});

export type LinuxSandboxSecurityContext = {
  readonly namespaceOptions: NamespaceOption | undefined;
};
export const LinuxSandboxSecurityContext: Schema<LinuxSandboxSecurityContext> = schema(
  "runtime.v1.LinuxSandboxSecurityContext",
  { namespaceOptions: [1, NamespaceOption] },
);

export type LinuxPodSandboxConfig = {
  readonly cgroupParent: string;
  readonly securityContext: LinuxSandboxSecurityContext | undefined;
};
export const LinuxPodSandboxConfig: Schema<LinuxPodSandboxConfig> = schema(
  "runtime.v1.LinuxPodSandboxConfig",
  { cgroupParent: [1, "string"], securityContext: [2, LinuxSandboxSecurityContext] },
);

export type PodSandboxConfig = {
  readonly metadata: PodSandboxMetadata | undefined;
  readonly hostname: string;
  readonly logDirectory: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
  readonly linux: LinuxPodSandboxConfig | undefined;
};
export const PodSandboxConfig: Schema<PodSandboxConfig> = schema("runtime.v1.PodSandboxConfig", {
  metadata: [1, PodSandboxMetadata],
  hostname: [2, "string"],
  logDirectory: [3, "string"],
  labels: [6, "string", "map"],
  annotations: [7, "string", "map"],
  linux: [8, LinuxPodSandboxConfig],
});

export type RunPodSandboxRequest = {
  readonly config: PodSandboxConfig | undefined;
  readonly runtimeHandler: string;
};
export const RunPodSandboxRequest: Schema<RunPodSandboxRequest> = schema(
  "runtime.v1.RunPodSandboxRequest",
  { config: [1, PodSandboxConfig], runtimeHandler: [2, "string"] },
);

export type RunPodSandboxResponse = { readonly podSandboxId: string };
export const RunPodSandboxResponse: Schema<RunPodSandboxResponse> = schema(
  "runtime.v1.RunPodSandboxResponse",
  { podSandboxId: [1, "string"] },
);

export type PodSandboxNetworkStatus = { readonly ip: string };
export const PodSandboxNetworkStatus: Schema<PodSandboxNetworkStatus> = schema(
  "runtime.v1.PodSandboxNetworkStatus",
  { ip: [1, "string"] },
);

export type PodSandboxStatus = {
  readonly id: string;
  readonly metadata: PodSandboxMetadata | undefined;
  readonly state: number;
  readonly network: PodSandboxNetworkStatus | undefined;
  readonly runtimeHandler: string;
};
export const PodSandboxStatus: Schema<PodSandboxStatus> = schema("runtime.v1.PodSandboxStatus", {
  id: [1, "string"],
  metadata: [2, PodSandboxMetadata],
  state: [3, "enum"],
  network: [5, PodSandboxNetworkStatus],
  runtimeHandler: [9, "string"],
});

export type PodSandboxStatusResponse = { readonly status: PodSandboxStatus | undefined };
export const PodSandboxStatusResponse: Schema<PodSandboxStatusResponse> = schema(
  "runtime.v1.PodSandboxStatusResponse",
  { status: [1, PodSandboxStatus] },
);

export type PodSandbox = {
  readonly id: string;
  readonly metadata: PodSandboxMetadata | undefined;
  readonly state: number;
};
export const PodSandbox: Schema<PodSandbox> = schema("runtime.v1.PodSandbox", {
  id: [1, "string"],
  metadata: [2, PodSandboxMetadata],
  state: [3, "enum"],
});

export type ListPodSandboxResponse = { readonly items: readonly PodSandbox[] };
export const ListPodSandboxResponse: Schema<ListPodSandboxResponse> = schema(
  "runtime.v1.ListPodSandboxResponse",
  { items: [1, PodSandbox, "list"] },
);

export type ImageSpec = { readonly image: string };
export const ImageSpec: Schema<ImageSpec> = schema("runtime.v1.ImageSpec", {
  image: [1, "string"],
});

export type KeyValue = { readonly key: string; readonly value: string };
export const KeyValue: Schema<KeyValue> = schema("runtime.v1.KeyValue", {
  key: [1, "string"],
  value: [2, "string"],
});

export type Mount = {
  readonly containerPath: string;
  readonly hostPath: string;
  readonly readonly: boolean;
};
export const Mount: Schema<Mount> = schema("runtime.v1.Mount", {
  containerPath: [1, "string"],
  hostPath: [2, "string"],
  readonly: [3, "bool"],
});

export type ContainerMetadata = { readonly name: string; readonly attempt: number };
export const ContainerMetadata: Schema<ContainerMetadata> = schema("runtime.v1.ContainerMetadata", {
  name: [1, "string"],
  attempt: [2, "uint32"],
});

export type LinuxContainerResources = {
  readonly cpuPeriod: bigint;
  readonly cpuQuota: bigint;
  readonly cpuShares: bigint;
  readonly memoryLimitInBytes: bigint;
};
export const LinuxContainerResources: Schema<LinuxContainerResources> = schema(
  "runtime.v1.LinuxContainerResources",
  {
    cpuPeriod: [1, "int64"],
    cpuQuota: [2, "int64"],
    cpuShares: [3, "int64"],
    memoryLimitInBytes: [4, "int64"],
  },
);

export type Int64Value = { readonly value: bigint };
export const Int64Value: Schema<Int64Value> = schema("runtime.v1.Int64Value", {
  value: [1, "int64"],
});

export type LinuxContainerSecurityContext = {
  readonly namespaceOptions: NamespaceOption | undefined;
  readonly runAsUser: Int64Value | undefined;
  readonly readonlyRootfs: boolean;
  readonly noNewPrivs: boolean;
};
export const LinuxContainerSecurityContext: Schema<LinuxContainerSecurityContext> = schema(
  "runtime.v1.LinuxContainerSecurityContext",
  {
    namespaceOptions: [3, NamespaceOption],
    runAsUser: [5, Int64Value],
    readonlyRootfs: [7, "bool"],
    noNewPrivs: [11, "bool"],
  },
);

export type LinuxContainerConfig = {
  readonly resources: LinuxContainerResources | undefined;
  readonly securityContext: LinuxContainerSecurityContext | undefined;
};
export const LinuxContainerConfig: Schema<LinuxContainerConfig> = schema(
  "runtime.v1.LinuxContainerConfig",
  { resources: [1, LinuxContainerResources], securityContext: [2, LinuxContainerSecurityContext] },
);

export type ContainerConfig = {
  readonly metadata: ContainerMetadata | undefined;
  readonly image: ImageSpec | undefined;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly workingDir: string;
  readonly envs: readonly KeyValue[];
  readonly mounts: readonly Mount[];
  readonly annotations: ReadonlyMap<string, string>;
  readonly logPath: string;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly tty: boolean;
  readonly linux: LinuxContainerConfig | undefined;
};
export const ContainerConfig: Schema<ContainerConfig> = schema("runtime.v1.ContainerConfig", {
  metadata: [1, ContainerMetadata],
  image: [2, ImageSpec],
  command: [3, "string", "list"],
  args: [4, "string", "list"],
  workingDir: [5, "string"],
  envs: [6, KeyValue, "list"],
  mounts: [7, Mount, "list"],
  annotations: [10, "string", "map"],
  logPath: [11, "string"],
  stdin: [12, "bool"],
  stdinOnce: [13, "bool"],
  tty: [14, "bool"],
  linux: [15, LinuxContainerConfig],
});

export type CreateContainerRequest = {
  readonly podSandboxId: string;
  readonly config: ContainerConfig | undefined;
  readonly sandboxConfig: PodSandboxConfig | undefined;
};
export const CreateContainerRequest: Schema<CreateContainerRequest> = schema(
  "runtime.v1.CreateContainerRequest",
  {
    podSandboxId: [1, "string"],
    config: [2, ContainerConfig],
    sandboxConfig: [3, PodSandboxConfig],
  },
);

export type CreateContainerResponse = { readonly containerId: string };
export const CreateContainerResponse: Schema<CreateContainerResponse> = schema(
  "runtime.v1.CreateContainerResponse",
  { containerId: [1, "string"] },
);

export type StopContainerRequest = { readonly containerId: string; readonly timeout: bigint };
export const StopContainerRequest: Schema<StopContainerRequest> = schema(
  "runtime.v1.StopContainerRequest",
  { containerId: [1, "string"], timeout: [2, "int64"] },
);

export type Container = {
  readonly id: string;
  readonly podSandboxId: string;
  readonly metadata: ContainerMetadata | undefined;
  readonly state: number;
};
export const Container: Schema<Container> = schema("runtime.v1.Container", {
  id: [1, "string"],
  podSandboxId: [2, "string"],
  metadata: [3, ContainerMetadata],
  state: [6, "enum"],
});

export type ListContainersResponse = { readonly containers: readonly Container[] };
export const ListContainersResponse: Schema<ListContainersResponse> = schema(
  "runtime.v1.ListContainersResponse",
  { containers: [1, Container, "list"] },
);

export type ContainerStatus = {
  readonly id: string;
  readonly metadata: ContainerMetadata | undefined;
  readonly state: number;
  readonly createdAt: bigint;
  readonly startedAt: bigint;
  readonly finishedAt: bigint;
  readonly exitCode: number;
  readonly reason: string;
  readonly message: string;
  readonly logPath: string;
};
export const ContainerStatus: Schema<ContainerStatus> = schema("runtime.v1.ContainerStatus", {
  id: [1, "string"],
  metadata: [2, ContainerMetadata],
  state: [3, "enum"],
  createdAt: [4, "int64"],
  startedAt: [5, "int64"],
  finishedAt: [6, "int64"],
  exitCode: [7, "int32"],
  reason: [10, "string"],
  message: [11, "string"],
  logPath: [15, "string"],
});

export type ContainerStatusResponse = { readonly status: ContainerStatus | undefined };
export const ContainerStatusResponse: Schema<ContainerStatusResponse> = schema(
  "runtime.v1.ContainerStatusResponse",
  { status: [1, ContainerStatus] },
);

export type ContainerAttributes = {
  readonly id: string;
  readonly metadata: ContainerMetadata | undefined;
};
export const ContainerAttributes: Schema<ContainerAttributes> = schema(
  "runtime.v1.ContainerAttributes",
  { id: [1, "string"], metadata: [2, ContainerMetadata] },
);

export type UInt64Value = { readonly value: bigint };
export const UInt64Value: Schema<UInt64Value> = schema("runtime.v1.UInt64Value", {
  value: [1, "uint64"],
});

export type CpuUsage = {
  readonly timestamp: bigint;
  readonly usageCoreNanoSeconds: UInt64Value | undefined;
};
export const CpuUsage: Schema<CpuUsage> = schema("runtime.v1.CpuUsage", {
  timestamp: [1, "int64"],
  usageCoreNanoSeconds: [2, UInt64Value],
});

export type MemoryUsage = {
  readonly timestamp: bigint;
  readonly workingSetBytes: UInt64Value | undefined;
};
export const MemoryUsage: Schema<MemoryUsage> = schema("runtime.v1.MemoryUsage", {
  timestamp: [1, "int64"],
  workingSetBytes: [2, UInt64Value],
});

export type ContainerStats = {
  readonly attributes: ContainerAttributes | undefined;
  readonly cpu: CpuUsage | undefined;
  readonly memory: MemoryUsage | undefined;
};
export const ContainerStats: Schema<ContainerStats> = schema("runtime.v1.ContainerStats", {
  attributes: [1, ContainerAttributes],
  cpu: [2, CpuUsage],
  memory: [3, MemoryUsage],
});

export type ContainerStatsResponse = { readonly stats: ContainerStats | undefined };
export const ContainerStatsResponse: Schema<ContainerStatsResponse> = schema(
  "runtime.v1.ContainerStatsResponse",
  { stats: [1, ContainerStats] },
);

export type UpdateContainerResourcesRequest = {
  readonly containerId: string;
  readonly linux: LinuxContainerResources | undefined;
};
export const UpdateContainerResourcesRequest: Schema<UpdateContainerResourcesRequest> = schema(
  "runtime.v1.UpdateContainerResourcesRequest",
  { containerId: [1, "string"], linux: [2, LinuxContainerResources] },
);

export type ExecSyncRequest = {
  readonly containerId: string;
  readonly cmd: readonly string[];
  readonly timeout: bigint;
};
export const ExecSyncRequest: Schema<ExecSyncRequest> = schema("runtime.v1.ExecSyncRequest", {
  containerId: [1, "string"],
  cmd: [2, "string", "list"],
  timeout: [3, "int64"],
});

export type ExecSyncResponse = {
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly exitCode: number;
};
export const ExecSyncResponse: Schema<ExecSyncResponse> = schema("runtime.v1.ExecSyncResponse", {
  stdout: [1, "bytes"],
  stderr: [2, "bytes"],
  exitCode: [3, "int32"],
});

export type ExecRequest = {
  readonly containerId: string;
  readonly cmd: readonly string[];
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
};
export const ExecRequest: Schema<ExecRequest> = schema("runtime.v1.ExecRequest", {
  containerId: [1, "string"],
  cmd: [2, "string", "list"],
  tty: [3, "bool"],
  stdin: [4, "bool"],
  stdout: [5, "bool"],
  stderr: [6, "bool"],
});

export type AttachRequest = {
  readonly containerId: string;
  readonly stdin: boolean;
  readonly tty: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
};
export const AttachRequest: Schema<AttachRequest> = schema("runtime.v1.AttachRequest", {
  containerId: [1, "string"],
  stdin: [2, "bool"],
  tty: [3, "bool"],
  stdout: [4, "bool"],
  stderr: [5, "bool"],
});

export type PortForwardRequest = {
  readonly podSandboxId: string;
  readonly port: readonly number[];
};
export const PortForwardRequest: Schema<PortForwardRequest> = schema(
  "runtime.v1.PortForwardRequest",
  { podSandboxId: [1, "string"], port: [2, "int32", "list"] },
);

export type StreamingResponse = { readonly url: string };
export const StreamingResponse: Schema<StreamingResponse> = schema("runtime.v1.StreamingResponse", {
  url: [1, "string"],
});

export type Image = { readonly id: string; readonly repoTags: readonly string[] };
export const Image: Schema<Image> = schema("runtime.v1.Image", {
  id: [1, "string"],
  repoTags: [2, "string", "list"],
});

export type ListImagesResponse = { readonly images: readonly Image[] };
export const ListImagesResponse: Schema<ListImagesResponse> = schema(
  "runtime.v1.ListImagesResponse",
  { images: [1, Image, "list"] },
);

export const RuntimeService = {
  typeName: "runtime.v1.RuntimeService",
  methods: {
    Version: { request: VersionRequest, response: VersionResponse },
    Status: { request: StatusRequest, response: StatusResponse },
    RunPodSandbox: { request: RunPodSandboxRequest, response: RunPodSandboxResponse },
    StopPodSandbox: { request: PodSandboxRequest, response: Nothing },
    RemovePodSandbox: { request: PodSandboxRequest, response: Nothing },
    PodSandboxStatus: { request: PodSandboxRequest, response: PodSandboxStatusResponse },
    ListPodSandbox: { request: Nothing, response: ListPodSandboxResponse },
    CreateContainer: { request: CreateContainerRequest, response: CreateContainerResponse },
    StartContainer: { request: ContainerRequest, response: Nothing },
    StopContainer: { request: StopContainerRequest, response: Nothing },
    RemoveContainer: { request: ContainerRequest, response: Nothing },
    ListContainers: { request: Nothing, response: ListContainersResponse },
    ContainerStatus: { request: ContainerRequest, response: ContainerStatusResponse },
    ContainerStats: { request: ContainerRequest, response: ContainerStatsResponse },
    ReopenContainerLog: { request: ContainerRequest, response: Nothing },
    UpdateContainerResources: { request: UpdateContainerResourcesRequest, response: Nothing },
    ExecSync: { request: ExecSyncRequest, response: ExecSyncResponse },
    Exec: { request: ExecRequest, response: StreamingResponse },
    Attach: { request: AttachRequest, response: StreamingResponse },
    PortForward: { request: PortForwardRequest, response: StreamingResponse },
  },
} as const satisfies ServiceType;

export const ImageService = {
  typeName: "runtime.v1.ImageService",
  methods: { ListImages: { request: Nothing, response: ListImagesResponse } },
} as const satisfies ServiceType;
