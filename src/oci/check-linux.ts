// SPDX-License-Identifier: Apache-2.0
/** Checks `linux` of config.json, except for resources and seccomp, which have files of their own. */
import {
  absolutePath,
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
  uint32,
} from "./check.ts";
import { indexList } from "./check-process.ts";
import { deviceMajor, deviceMinor, resources } from "./check-resources.ts";
import { seccomp } from "./check-seccomp.ts";
import {
  type Device,
  type IdMapping,
  type IntelRdt,
  type LinuxConfig,
  type MemoryPolicy,
  memoryPolicyFlags,
  memoryPolicyModes,
  type Namespace,
  type NetDevice,
  type Personality,
  personalityDomains,
  rootfsPropagations,
  type TimeOffset,
} from "./config-linux.ts";
import { namespaceTypes } from "./namespaces.ts";

/** The kernel's limit for lines of a uid_map (user_namespaces(7)). */
const maximumMappings = 340;

export const idMappings = refine(
  array(
    object<IdMapping>({
      containerID: required(uint32),
      hostID: required(uint32),
      size: required(integer(1, 0xffff_ffff)),
    }),
  ),
  (mappings) => {
    if (mappings.length > maximumMappings) {
      throw new Fault(`expected at most ${maximumMappings} mappings, got ${mappings.length}`);
    }
  },
);

const namespace = object<Namespace>({
  type: required(oneOf(namespaceTypes)),
  path: optionalText(absolutePath),
});

const namespaces = refine(array(namespace), (list) => {
  for (const [index, { type }] of list.entries()) {
    const first = list.findIndex((other) => other.type === type);
    if (first !== index) throw new Fault(`\`${type}\` appears twice`, index, "type");
  }
});

const timeOffset = object<TimeOffset>({
  secs: optional(int64),
  nanosecs: optional(integer(0, 999_999_999)),
});

type RawDevice = Omit<Device, "major" | "minor"> & {
  readonly major?: number;
  readonly minor?: number;
};
const rawDevice = object<RawDevice>({
  type: required(oneOf(["c", "b", "u", "p"])),
  path: required(absolutePath),
  major: optional(deviceMajor),
  minor: optional(deviceMinor),
  fileMode: optional(fileMode),
  uid: optional(uint32),
  gid: optional(uint32),
});

function device(value: unknown): Device {
  const raw = rawDevice(value);
  if (raw.type !== "p") {
    if (raw.major === undefined) throw new Fault("is missing", "major");
    if (raw.minor === undefined) throw new Fault("is missing", "minor");
  }
  return { ...raw, major: raw.major ?? 0, minor: raw.minor ?? 0 };
}

/** Engines write stat's st_mode or Go's FileMode; both have the permissions in the low nine bits. */
function fileMode(value: unknown): number {
  return uint32(value) & 0o777;
}

/** dev_valid_name of net/core/dev.c. */
function interfaceName(value: unknown): string {
  const name = string(value);
  if (!/^[^\s/:]{1,15}$/.test(name) || name === "." || name === "..") {
    throw expected("the name of a network interface", value);
  }
  return name;
}

const netDevices = refine(
  dictionary(object<NetDevice>({ name: optionalText(interfaceName) })),
  (devices) => {
    const taken = new Set<string>();
    for (const [from, { name = "" }] of Object.entries(devices)) {
      const wanted = name === "" ? interfaceName(from) : name;
      if (taken.has(wanted)) throw new Fault(`another device is to be \`${wanted}\` too`, from);
      taken.add(wanted);
    }
  },
);

/** A directory of /sys/fs/resctrl; "/" for itself. */
function closId(value: unknown): string {
  const name = nonEmptyString(value);
  if (name === "/") return name;
  if (name === "." || name === ".." || name.includes("/") || name.includes("\n")) {
    throw expected("the name of a directory", value);
  }
  return name;
}

/** config-linux.md: no newlines; `l3CacheSchema` only should have none. */
function schemaLine(value: unknown): string {
  const line = string(value);
  if (line.includes("\n")) throw expected("a single line", value);
  return line;
}

function bandwidthSchema(value: unknown): string {
  const line = schemaLine(value);
  if (!line.startsWith("MB:")) throw expected("a line that begins with MB:", value);
  return line;
}

const intelRdt = object<IntelRdt>({
  closID: optionalText(closId),
  schemata: optional(array(schemaLine)),
  l3CacheSchema: optionalText(string),
  memBwSchema: optionalText(bandwidthSchema),
  enableMonitoring: optional(boolean),
  enableCMT: optional(boolean),
  enableMBM: optional(boolean),
});

const namedMemoryPolicy = refine(
  object<MemoryPolicy>({
    mode: required(oneOf(memoryPolicyModes)),
    nodes: optionalText(indexList),
    flags: optional(array(oneOf(memoryPolicyFlags))),
  }),
  ({ mode, nodes = "", flags = [] }) => {
    const takesNone = mode === "MPOL_DEFAULT" || mode === "MPOL_LOCAL";
    if (takesNone && nodes !== "") throw new Fault(`${mode} takes no nodes`, "nodes");
    if (!takesNone && mode !== "MPOL_PREFERRED" && nodes === "") {
      throw new Fault(`is missing: ${mode} needs nodes`, "nodes");
    }
    if (flags.includes("MPOL_F_STATIC_NODES") && flags.includes("MPOL_F_RELATIVE_NODES")) {
      throw new Fault("static and relative nodes exclude one another", "flags");
    }
  },
);

/** One that says nothing is the kernel's own, as with runc. */
function memoryPolicy(value: unknown): MemoryPolicy {
  const nothing = typeof value === "object" && value !== null && Object.keys(value).length === 0;
  return nothing && !Array.isArray(value) ? { mode: "MPOL_DEFAULT" } : namedMemoryPolicy(value);
}

/** A path below /proc/sys with dots or slashes, never one that leaves it. */
const sysctl = refine(dictionary(string), (settings) => {
  for (const name of Object.keys(settings)) {
    const parts = name.split(/[./]/);
    // Two dots in a row could climb out of /proc/sys once dots become slashes.
    if (parts.some((part) => part === "")) throw new Fault("expected the name of a sysctl", name);
  }
});

export const linux = object<LinuxConfig>({
  namespaces: optional(namespaces),
  uidMappings: optional(idMappings),
  gidMappings: optional(idMappings),
  timeOffsets: optional(
    object<NonNullable<LinuxConfig["timeOffsets"]>>({
      monotonic: optional(timeOffset),
      boottime: optional(timeOffset),
    }),
  ),
  devices: optional(array(device)),
  netDevices: optional(netDevices),
  cgroupsPath: optionalText(string),
  resources: optional(resources),
  intelRdt: optional(intelRdt),
  memoryPolicy: optional(memoryPolicy),
  sysctl: optional(sysctl),
  seccomp: optional(seccomp),
  rootfsPropagation: optionalText(oneOf(rootfsPropagations)),
  maskedPaths: optional(array(absolutePath)),
  readonlyPaths: optional(array(absolutePath)),
  mountLabel: optionalText(string),
  personality: optional(object<Personality>({ domain: required(oneOf(personalityDomains)) })),
});
