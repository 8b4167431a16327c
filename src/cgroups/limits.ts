// SPDX-License-Identifier: Apache-2.0
/**
 * `linux.resources` on the cgroup of a container: each controller's limits where this host has the
 * controller, in version 1, version 2, or some in each (hybrid).
 */
import { RuneError } from "../errors/error.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { isInUserNamespace } from "../kernel/user-namespace.ts";
import type { Resources } from "../oci/config-resources.ts";
import { blockIo } from "./block-io.ts";
import type { CgroupDirectory } from "./cgroup.ts";
import type { Controller } from "./controller.ts";
import { cpu } from "./cpu.ts";
import { cpuset } from "./cpuset.ts";
import { limitDevices } from "./device-access.ts";
import { setDevicesV1 } from "./devices.ts";
import { hugetlb } from "./hugetlb.ts";
import { isReplaced } from "./ignored.ts";
import { LimitFiles, LimitJournal } from "./limit-files.ts";
import { memory } from "./memory.ts";
import { networkClass, networkPriority } from "./network.ts";
import { pids } from "./pids.ts";
import { rdma } from "./rdma.ts";
import { setUnified } from "./unified.ts";

const controllers: readonly Controller[] = [
  memory,
  cpu,
  cpuset,
  blockIo,
  hugetlb,
  networkClass,
  networkPriority,
  rdma,
];

/**
 * Sets every limit the resources name but that on processes, and who may use which device. A limit that
 * the host cannot set is an error; the caller removes the cgroup then.
 */
export function applyLimits(
  kernel: Kernel,
  directories: readonly CgroupDirectory[],
  resources: Resources,
): void {
  setLimits(kernel, directories, resources, controllers);
  setFiles(kernel, directories, resources);
  const devices = directories.find((one) => one.controllers.includes("devices"));
  const unified = directories.find(isUnified);
  const rules = resources.devices ?? [];
  // The kernel takes rules in version 1 from the host's root alone; others can make no device anyway.
  if (devices !== undefined) {
    if (isHostRoot(kernel)) setDevicesV1(new LimitFiles(kernel, devices), rules);
  } else if (unified !== undefined) limitDevices(kernel, unified.path, rules);
}

function isHostRoot(kernel: Kernel): boolean {
  return kernel.euid() === 0 && !isInUserNamespace(kernel);
}

/**
 * Limits the number of processes. Where version 1 has the controller, the process that makes the
 * container's first one is in the cgroup, too, until that is ready: a limit of 1 must wait for it to go.
 */
export function limitProcesses(
  kernel: Kernel,
  directories: readonly CgroupDirectory[],
  resources: Resources,
): void {
  // What `unified` says of a file stays.
  if (resources.unified?.["pids.max"] === undefined)
    setLimits(kernel, directories, resources, [pids]);
}

/**
 * Changes the limits that the resources name and no other; devices stay as they are, as with runc.
 * When one fails, those that were changed before it are put back.
 */
export function changeLimits(
  kernel: Kernel,
  directories: readonly CgroupDirectory[],
  resources: Resources,
): void {
  const journal = new LimitJournal(kernel);
  try {
    setLimits(kernel, directories, resources, [...controllers, pids], journal);
    setFiles(kernel, directories, resources, journal);
  } catch (error) {
    const stuck = journal.undo();
    if (stuck.length === 0) throw error;
    const [path] = stuck;
    throw RuneError.from(error, "limit").within(`the old value of \`${path}\` is lost`);
  }
}

/** True when a limit is asked for; rules for devices are in every configuration and do not count. */
export function hasLimits(resources: Resources): boolean {
  return (
    Object.keys(resources.unified ?? {}).length > 0 ||
    [...controllers, pids].some(({ asked }) => asked(resources) !== undefined)
  );
}

function setLimits(
  kernel: Kernel,
  directories: readonly CgroupDirectory[],
  resources: Resources,
  which: readonly Controller[],
  journal?: LimitJournal,
): void {
  const filesIn = (directory: CgroupDirectory | undefined) =>
    directory === undefined ? undefined : new LimitFiles(kernel, directory, journal);
  const unified = filesIn(directories.find(isUnified));
  for (const controller of which) {
    const own = directories.find((one) => one.controllers.includes(controller.v1));
    const files = filesIn(own);
    if (files !== undefined) controller.setV1(files, resources);
    else if (controller.setV2 !== undefined || !isReplaced(controller.v1, directories)) {
      setElsewhere(controller, unified, resources);
    }
  }
}

function setFiles(
  kernel: Kernel,
  directories: readonly CgroupDirectory[],
  resources: Resources,
  journal?: LimitJournal,
): void {
  const directory = directories.find(isUnified);
  const files = directory === undefined ? undefined : new LimitFiles(kernel, directory, journal);
  const covered = new Set(directories.flatMap(({ controllers }) => controllers));
  setUnified(files, resources.unified ?? {}, covered);
}

function isUnified({ version }: CgroupDirectory): boolean {
  return version === 2;
}

/** A controller that version 1 does not have on this host. */
function setElsewhere(
  { v1, v2, asked, setV2 }: Controller,
  unified: LimitFiles | undefined,
  resources: Resources,
): void {
  if (unified !== undefined && setV2 !== undefined) {
    setV2(unified, resources);
    return;
  }
  const field = asked(resources);
  if (field === undefined) return;
  const names = v2 === undefined || v2 === v1 ? v1 : `${v1} or ${v2}`;
  const nowhere = v2 === undefined ? ", and version 2 has no such limit" : "";
  throw new RuneError({
    code: "CGROUP",
    doing: `set \`linux.resources.${field}\``,
    reason: `no cgroup hierarchy with the ${names} controller is mounted${nowhere}`,
  });
}
