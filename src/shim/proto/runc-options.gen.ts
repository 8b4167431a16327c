// SPDX-License-Identifier: Apache-2.0
/** Made from runc-options.proto by `npm run format`. Change that instead. */

import { type Schema, schema } from "../../protobuf/schema.ts";

export type Options = {
  readonly noPivotRoot: boolean;
  readonly noNewKeyring: boolean;
  readonly shimCgroup: string;
  readonly ioUid: number;
  readonly ioGid: number;
  readonly binaryName: string;
  readonly root: string;
  readonly criuPath: string;
  readonly systemdCgroup: boolean;
  readonly criuImagePath: string;
  readonly criuWorkPath: string;
  readonly taskApiAddress: string;
  readonly taskApiVersion: number;
};
export const Options: Schema<Options> = schema("containerd.runc.v1.Options", {
  noPivotRoot: [1, "bool"],
  noNewKeyring: [2, "bool"],
  shimCgroup: [3, "string"],
  ioUid: [4, "uint32"],
  ioGid: [5, "uint32"],
  binaryName: [6, "string"],
  root: [7, "string"],
  criuPath: [8, "string"],
  systemdCgroup: [9, "bool"],
  criuImagePath: [10, "string"],
  criuWorkPath: [11, "string"],
  taskApiAddress: [12, "string"],
  taskApiVersion: [13, "uint32"],
});

export type CheckpointOptions = {
  readonly exit: boolean;
  readonly openTcp: boolean;
  readonly externalUnixSockets: boolean;
  readonly terminal: boolean;
  readonly fileLocks: boolean;
  readonly emptyNamespaces: readonly string[];
  readonly cgroupsMode: string;
  readonly imagePath: string;
  readonly workPath: string;
};
export const CheckpointOptions: Schema<CheckpointOptions> = schema(
  "containerd.runc.v1.CheckpointOptions",
  {
    exit: [1, "bool"],
    openTcp: [2, "bool"],
    externalUnixSockets: [3, "bool"],
    terminal: [4, "bool"],
    fileLocks: [5, "bool"],
    emptyNamespaces: [6, "string", "list"],
    cgroupsMode: [7, "string"],
    imagePath: [8, "string"],
    workPath: [9, "string"],
  },
);

export type ProcessDetails = { readonly execId: string };
export const ProcessDetails: Schema<ProcessDetails> = schema("containerd.runc.v1.ProcessDetails", {
  execId: [1, "string"],
});
