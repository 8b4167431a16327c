// SPDX-License-Identifier: Apache-2.0
/**
 * Types of `linux.resources` in config.json: OCI runtime specification 1.3.0, config-linux.md,
 * "Control groups". Sizes are bytes, times microseconds; -1 means no limit where the type is signed.
 */

export type Resources = {
  readonly devices?: readonly DeviceRule[];
  readonly memory?: MemoryResources;
  readonly cpu?: CpuResources;
  readonly pids?: { readonly limit?: bigint };
  readonly blockIO?: BlockIoResources;
  readonly hugepageLimits?: readonly HugepageLimit[];
  readonly network?: NetworkResources;
  /** Key: name of the RDMA device. */
  readonly rdma?: Readonly<Record<string, RdmaLimits>>;
  /** cgroup v2 only: file name to content, as they are. */
  readonly unified?: Readonly<Record<string, string>>;
};

/** An absent number or type stands for all. */
export type DeviceRule = {
  readonly allow: boolean;
  readonly type?: "a" | "c" | "b";
  readonly major?: number;
  readonly minor?: number;
  /** Letters of "rwm". */
  readonly access?: string;
};

export type MemoryResources = {
  readonly limit?: bigint;
  readonly reservation?: bigint;
  /** Memory and swap together. */
  readonly swap?: bigint;
  readonly kernel?: bigint;
  readonly kernelTCP?: bigint;
  /** 0 to 100. */
  readonly swappiness?: number;
  readonly disableOOMKiller?: boolean;
  readonly useHierarchy?: boolean;
  readonly checkBeforeUpdate?: boolean;
};

export type CpuResources = {
  readonly shares?: bigint;
  readonly quota?: bigint;
  readonly burst?: bigint;
  readonly period?: bigint;
  readonly realtimeRuntime?: bigint;
  readonly realtimePeriod?: bigint;
  /** A list such as "0-3,7". */
  readonly cpus?: string;
  readonly mems?: string;
  /** 1: SCHED_IDLE. */
  readonly idle?: number;
};

export type BlockIoResources = {
  readonly weight?: number;
  readonly leafWeight?: number;
  readonly weightDevice?: readonly BlockIoWeight[];
  readonly throttleReadBpsDevice?: readonly BlockIoThrottle[];
  readonly throttleWriteBpsDevice?: readonly BlockIoThrottle[];
  readonly throttleReadIOPSDevice?: readonly BlockIoThrottle[];
  readonly throttleWriteIOPSDevice?: readonly BlockIoThrottle[];
};

export type BlockIoWeight = {
  readonly major: number;
  readonly minor: number;
  readonly weight?: number;
  readonly leafWeight?: number;
};

/** `rate` is bytes or operations a second. */
export type BlockIoThrottle = {
  readonly major: number;
  readonly minor: number;
  readonly rate: bigint;
};

/** `pageSize` is "2MB", "1GB" and the like. */
export type HugepageLimit = { readonly pageSize: string; readonly limit: bigint };

export type NetworkResources = {
  readonly classID?: number;
  readonly priorities?: readonly { readonly name: string; readonly priority: number }[];
};

export type RdmaLimits = { readonly hcaHandles?: number; readonly hcaObjects?: number };
