// SPDX-License-Identifier: Apache-2.0
/**
 * Fields of criu's messages by number, from its published `rpc.proto`. Only what rune sends and reads is
 * here; the others are skipped, as protobuf has it.
 */

type Kind = "bool" | "int" | "text";
export type Field = readonly [number: number, kind: Kind];

/** criu_req_type. */
export const requestTypes = {
  dump: 1,
  restore: 2,
  preDump: 4,
  notify: 6,
  featureCheck: 9,
  version: 10,
} as const;
export type RequestType = keyof typeof requestTypes;

/** criu_cg_mode. */
export const cgroupModes = { ignore: 0, soft: 3, full: 4, strict: 5, default: 6 } as const;
export type CgroupMode = keyof typeof cgroupModes;

/** criu_opts: what is said once. */
export const scalarFields = {
  imagesDirFd: [1, "int"],
  pid: [2, "int"],
  leaveRunning: [3, "bool"],
  extUnixSk: [4, "bool"],
  tcpEstablished: [5, "bool"],
  evasiveDevices: [6, "bool"],
  shellJob: [7, "bool"],
  fileLocks: [8, "bool"],
  logLevel: [9, "int"],
  logFile: [10, "text"],
  notifyScripts: [12, "bool"],
  root: [13, "text"],
  parentImg: [14, "text"],
  trackMem: [15, "bool"],
  autoDedup: [16, "bool"],
  workDirFd: [17, "int"],
  linkRemap: [18, "bool"],
  manageCgroups: [24, "bool"],
  rstSibling: [26, "bool"],
  cgroupMode: [34, "int"],
  emptyNs: [38, "int"],
  freezeCgroup: [44, "text"],
  tcpSkipInFlight: [46, "bool"],
  lazyPages: [48, "bool"],
  orphanPtsMaster: [50, "bool"],
  configFile: [51, "text"],
  lsmProfile: [53, "text"],
  lsmMountContext: [63, "text"],
} as const satisfies Record<string, Field>;

/** criu_opts: lists, and messages of two fields. */
export const compoundFields = {
  pageServer: 11,
  externalMounts: 23,
  cgroupRoots: 25,
  inheritedFds: 27,
  externals: 37,
  joinedNamespaces: 39,
} as const;
