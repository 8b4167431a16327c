// SPDX-License-Identifier: Apache-2.0
/** Checks `linux.resources` of config.json. */
import {
  array,
  boolean,
  dictionary,
  expected,
  Fault,
  int64,
  integer,
  nonEmptyString,
  object,
  oneOf,
  optional,
  optionalText,
  refine,
  required,
  string,
  uint16,
  uint32,
  uint64,
} from "./check.ts";
import { indexList } from "./check-process.ts";
import type {
  BlockIoResources,
  BlockIoThrottle,
  BlockIoWeight,
  CpuResources,
  DeviceRule,
  HugepageLimit,
  MemoryResources,
  NetworkResources,
  RdmaLimits,
  Resources,
} from "./config-resources.ts";

/** Device numbers as the kernel's dev_t has room for them: 12 and 20 bits (linux/kdev_t.h). */
export const deviceMajor = integer(0, 0xfff);
export const deviceMinor = integer(0, 0xf_ffff);

function access(value: unknown): string {
  const text = string(value);
  for (const letter of text) if (!"rwm".includes(letter)) throw expected("letters of rwm", value);
  return text;
}

function pageSize(value: unknown): string {
  const text = string(value);
  if (!/^[1-9][0-9]{0,9}[KMG]B$/.test(text)) throw expected("a size such as 2MB", value);
  return text;
}

/** Keys name files of the container's own cgroup directory, never a path out of it. */
const unified = refine(dictionary(string), (files) => {
  for (const name of Object.keys(files)) {
    if (/^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)+$/.test(name)) continue;
    throw new Fault("expected the name of a cgroup file such as memory.high", name);
  }
});

const deviceRule = object<DeviceRule>({
  allow: required(boolean),
  type: optionalText(oneOf(["a", "c", "b"])),
  // -1 is how engines written in Go say "all".
  major: optional(integer(-1, 0xfff)),
  minor: optional(integer(-1, 0xf_ffff)),
  access: optionalText(access),
});

const memory = object<MemoryResources>({
  limit: optional(int64),
  reservation: optional(int64),
  swap: optional(int64),
  kernel: optional(int64),
  kernelTCP: optional(int64),
  swappiness: optional(integer(0, 100)),
  disableOOMKiller: optional(boolean),
  useHierarchy: optional(boolean),
  checkBeforeUpdate: optional(boolean),
});

const cpu = object<CpuResources>({
  shares: optional(uint64),
  quota: optional(int64),
  burst: optional(uint64),
  period: optional(uint64),
  realtimeRuntime: optional(int64),
  realtimePeriod: optional(uint64),
  cpus: optionalText(indexList),
  mems: optionalText(indexList),
  idle: optional(integer(0, 1)),
});

const weight = object<BlockIoWeight>({
  major: required(deviceMajor),
  minor: required(deviceMinor),
  weight: optional(uint16),
  leafWeight: optional(uint16),
});

const throttles = optional(
  array(
    object<BlockIoThrottle>({
      major: required(deviceMajor),
      minor: required(deviceMinor),
      rate: required(uint64),
    }),
  ),
);

const blockIo = object<BlockIoResources>({
  weight: optional(uint16),
  leafWeight: optional(uint16),
  weightDevice: optional(array(weight)),
  throttleReadBpsDevice: throttles,
  throttleWriteBpsDevice: throttles,
  throttleReadIOPSDevice: throttles,
  throttleWriteIOPSDevice: throttles,
});

type InterfacePriority = NonNullable<NetworkResources["priorities"]>[number];
const network = object<NetworkResources>({
  classID: optional(uint32),
  priorities: optional(
    array(
      object<InterfacePriority>({ name: required(nonEmptyString), priority: required(uint32) }),
    ),
  ),
});

/** Also what `rune update --resources` reads. */
export const resources = object<Resources>({
  devices: optional(array(deviceRule)),
  memory: optional(memory),
  cpu: optional(cpu),
  pids: optional(object<NonNullable<Resources["pids"]>>({ limit: optional(int64) })),
  blockIO: optional(blockIo),
  hugepageLimits: optional(
    array(object<HugepageLimit>({ pageSize: required(pageSize), limit: required(uint64) })),
  ),
  network: optional(network),
  rdma: optional(
    dictionary(object<RdmaLimits>({ hcaHandles: optional(uint32), hcaObjects: optional(uint32) })),
  ),
  unified: optional(unified),
});
