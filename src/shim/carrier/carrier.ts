// SPDX-License-Identifier: Apache-2.0
/**
 * Carriers make an enclave of an ordinary image: docs/explanation/carriers.md. Each knows one toolchain;
 * what is common to them, in which order it happens and what is cleaned up is in `build.ts`.
 */
import type { ShimConfig } from "../../config/shim-config.ts";
import type { Signed } from "../../signature/material.ts";
import type { ToolRunner } from "./tool.ts";

/** One container whose enclave is to be made. */
export type Job = {
  /** The container's root on the host; nothing runs in it yet. */
  readonly rootfs: string;
  /** Its working directory, absolute. */
  readonly cwd: string;
  readonly args: readonly string[];
  readonly environment: ReadonlyMap<string, string>;
  readonly config: ShimConfig;
  /** Where our own PALs and the sample enclave are. */
  readonly libDir: string;
  readonly run: ToolRunner;
  readonly log: (message: string) => void;
  readonly signal: AbortSignal;
};

export type Carrier = {
  readonly name: string;
  /** Whether the image has a signed enclave already, so that there is nothing to do. */
  readonly isComplete: (job: Job) => Promise<boolean>;
  /**
   * All that decides what is built, beside the image's files: configuration, version of the toolchain. Throws
   * ENCLAVE_CONFIG for a pod that asks for what cannot be.
   */
  readonly inputs: (job: Job) => Promise<string>;
  /** Whether the image's files go into the enclave, and so into what decides. */
  readonly readsImage: boolean;
  /** Makes the enclave in an empty folder. Its signature, where the toolchain insists on one, is a throw-away key's. */
  readonly buildUnsignedEnclave: (job: Job, workspace: string) => Promise<void>;
  /** The 256 bytes to be signed. `folder` holds what was built, in the cache or in the container. */
  readonly generateSigningMaterial: (folder: string) => Promise<Uint8Array>;
  /** Writes the signature into what is in the container. */
  readonly cascadeSignature: (
    folder: string,
    material: Uint8Array,
    signed: Signed,
  ) => Promise<void>;
  /** Names of the workspace that the container does not need. */
  readonly leftOut: readonly string[];
  /** Variables of the container's process that are set where the pod has none of that name. */
  readonly variables: (job: Job) => Readonly<Record<string, string>>;
};
