// SPDX-License-Identifier: Apache-2.0
/** What checkpoint and restore say to criu in the same words. */
import { type CgroupMode, cgroupModes } from "../criu/fields.ts";
import type { CriuOptions } from "../criu/messages.ts";
import type { Fd, Kernel } from "../kernel/kernel.ts";
import type { Config } from "../oci/config.ts";
import { cloneFlags } from "../oci/namespaces.ts";
import { openOrMake } from "./criu.ts";
import { absolute } from "./path.ts";

/** Flags of both verbs. */
export type SharedRequest = {
  /** As given; where the images are. */
  readonly imagePath: string;
  /** Where criu's logs go; beside the images unless given. */
  readonly workPath?: string;
  readonly tcpEstablished: boolean;
  readonly linkRemap: boolean;
  readonly extUnixSk: boolean;
  readonly shellJob: boolean;
  readonly fileLocks: boolean;
  readonly lazyPages: boolean;
  readonly autoDedup: boolean;
  readonly manageCgroupsMode?: Exclude<CgroupMode, "default">;
};

/** libcriu's most talkative but one, as runc has it. */
const logLevel = 4;

/** Opened here: criu looks them up among our descriptors. */
export type CriuDirectories = { readonly images: Fd; readonly work?: Fd };

export function workDirectory(
  kernel: Kernel,
  { workPath }: SharedRequest,
): Pick<CriuDirectories, "work"> {
  return workPath === undefined ? {} : { work: openOrMake(kernel, absolute(kernel, workPath)) };
}

/** `log` is a name in the work directory. */
export function sharedOptions(
  request: SharedRequest,
  { images, work }: CriuDirectories,
  log: string,
): CriuOptions {
  const { tcpEstablished, linkRemap, extUnixSk, shellJob, fileLocks, lazyPages, autoDedup } =
    request;
  const { manageCgroupsMode = "default" } = request;
  return {
    imagesDirFd: images,
    ...(work === undefined ? {} : { workDirFd: work }),
    logLevel,
    logFile: log,
    notifyScripts: true,
    manageCgroups: true,
    cgroupMode: cgroupModes[manageCgroupsMode],
    // Interfaces are made by others: a network namespace starts empty again, as with runc.
    emptyNs: cloneFlags.network,
    orphanPtsMaster: true,
    ...{ tcpEstablished, linkRemap, extUnixSk, shellJob, fileLocks, lazyPages, autoDedup },
  };
}

/** Where criu's log ends up. */
export function logPath(kernel: Kernel, request: SharedRequest, log: string): string {
  return `${absolute(kernel, request.workPath ?? request.imagePath)}/${log}`;
}

/** runc's: criu's settings of its own for what a runtime does, which criu does without where it is missing. */
const usualConfigFile = "/etc/criu/runc.conf";

/** The annotation `org.criu.config` names another file; an empty one none. */
export function configFile({ annotations = {} }: Config): Pick<CriuOptions, "configFile"> {
  const named = annotations["org.criu.config"] ?? usualConfigFile;
  return named === "" ? {} : { configFile: named };
}

/** criu's word for a namespace that is not the container's own; the key on both sides. */
export const externalNamespaces = {
  network: { name: "net", key: "extRootNetNS" },
  pid: { name: "pid", key: "extRootPidNS" },
} as const;

/** What the images of a finished checkpoint have beside criu's own: the descriptors 0, 1, 2. */
export const descriptorsFile = "descriptors.json";
