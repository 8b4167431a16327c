// SPDX-License-Identifier: Apache-2.0
/** Access to devices in a version 2 cgroup: the rules' program, loaded and attached. */
import { RuneError } from "../errors/error.ts";
import { EPERM, O_DIRECTORY, O_RDONLY } from "../kernel/constants.ts";
import type { Fd, Kernel } from "../kernel/kernel.ts";
import { isInUserNamespace } from "../kernel/user-namespace.ts";
import type { DeviceRule } from "../oci/config-resources.ts";
import { deviceProgram } from "./device-program.ts";
import { allDeviceRules } from "./devices.ts";

/** By this name a later call finds what to replace; others' programs on the cgroup stay. */
const programName = "rune_devices";

/**
 * Puts the rules in the place of those set before, in one step. Programs of ancestors and of others go
 * on deciding, too: all have to allow. Without the rights for it, as in a user namespace, a process
 * can make no device anyway, and there are no rules.
 */
export function limitDevices(kernel: Kernel, path: string, rules: readonly DeviceRule[]): void {
  const cgroup = kernel.open(path, O_RDONLY | O_DIRECTORY);
  try {
    replaceProgram(kernel, cgroup, deviceProgram(allDeviceRules(rules)));
  } catch (error) {
    const failure = RuneError.from(error, "limit devices");
    const mayGoWithout = kernel.euid() !== 0 || isInUserNamespace(kernel);
    if (failure.errno === EPERM && mayGoWithout) return;
    throw failure.within(`limit the devices of cgroup \`${path}\``);
  } finally {
    kernel.close(cgroup);
  }
}

function replaceProgram(kernel: Kernel, cgroup: Fd, instructions: Uint8Array): void {
  const program = kernel.loadDeviceProgram(programName, instructions);
  const open = [program];
  try {
    const present = kernel.devicePrograms(cgroup);
    open.push(...present.map((one) => one.program));
    const before = present.find(({ name }) => name === programName);
    kernel.attachDeviceProgram(cgroup, program, before?.program);
  } finally {
    // The cgroup itself holds what is attached.
    for (const fd of open) kernel.close(fd);
  }
}
