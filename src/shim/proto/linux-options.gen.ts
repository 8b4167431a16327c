// SPDX-License-Identifier: Apache-2.0
/** Made from linux-options.proto by `npm run format`. Change that instead. */

import { type Schema, schema } from "../../protobuf/schema.ts";

export type RuncOptions = {
  readonly runtime: string;
  readonly runtimeRoot: string;
  readonly criuPath: string;
  readonly systemdCgroup: boolean;
};
export const RuncOptions: Schema<RuncOptions> = schema("containerd.linux.runc.RuncOptions", {
  runtime: [1, "string"],
  runtimeRoot: [2, "string"],
  criuPath: [3, "string"],
  systemdCgroup: [4, "bool"],
});

export type CreateOptions = {
  readonly noPivotRoot: boolean;
  readonly openTcp: boolean;
  readonly externalUnixSockets: boolean;
  readonly terminal: boolean;
  readonly fileLocks: boolean;
  readonly emptyNamespaces: readonly string[];
  readonly cgroupsMode: string;
  readonly noNewKeyring: boolean;
  readonly shimCgroup: string;
  readonly ioUid: number;
  readonly ioGid: number;
};
export const CreateOptions: Schema<CreateOptions> = schema("containerd.linux.runc.CreateOptions", {
  noPivotRoot: [1, "bool"],
  openTcp: [2, "bool"],
  externalUnixSockets: [3, "bool"],
  terminal: [4, "bool"],
  fileLocks: [5, "bool"],
  emptyNamespaces: [6, "string", "list"],
  cgroupsMode: [7, "string"],
  noNewKeyring: [8, "bool"],
  shimCgroup: [9, "string"],
  ioUid: [10, "uint32"],
  ioGid: [11, "uint32"],
});

export type CheckpointOptions = {
  readonly exit: boolean;
  readonly openTcp: boolean;
  readonly externalUnixSockets: boolean;
  readonly terminal: boolean;
  readonly fileLocks: boolean;
  readonly emptyNamespaces: readonly string[];
  readonly cgroupsMode: string;
};
export const CheckpointOptions: Schema<CheckpointOptions> = schema(
  "containerd.linux.runc.CheckpointOptions",
  {
    exit: [1, "bool"],
    openTcp: [2, "bool"],
    externalUnixSockets: [3, "bool"],
    terminal: [4, "bool"],
    fileLocks: [5, "bool"],
    emptyNamespaces: [6, "string", "list"],
    cgroupsMode: [7, "string"],
  },
);

export type ProcessDetails = { readonly execId: string };
export const ProcessDetails: Schema<ProcessDetails> = schema(
  "containerd.linux.runc.ProcessDetails",
  { execId: [1, "string"] },
);
