// SPDX-License-Identifier: Apache-2.0
/** Whether this host can do what a configuration says of AppArmor and SELinux. */
import { RuneError } from "../errors/error.ts";
import { EACCES, ENOENT, ENOTDIR } from "../kernel/constants.ts";
import { type Kernel, readText, unlessErrno } from "../kernel/kernel.ts";
import type { Process } from "../oci/config.ts";

/** @throws RuneError CONFIG_UNSUPPORTED: a program that should be confined must not run without */
export function checkLabels(kernel: Kernel, process: Process, mountLabel = ""): void {
  const { apparmorProfile = "", selinuxLabel = "" } = process;
  if (apparmorProfile !== "" && !hasAppArmor(kernel)) {
    throw notEnabled("process.apparmorProfile", apparmorProfile, "AppArmor");
  }
  if (selinuxLabel !== "" && !hasSelinux(kernel)) {
    throw notEnabled("process.selinuxLabel", selinuxLabel, "SELinux");
  }
  if (mountLabel !== "" && !hasSelinux(kernel)) {
    throw notEnabled("linux.mountLabel", mountLabel, "SELinux");
  }
}

/** security/apparmor/lsm.c: `Y` where it was compiled in and is not switched off. */
function hasAppArmor(kernel: Kernel): boolean {
  const path = "/sys/module/apparmor/parameters/enabled";
  const text = unlessErrno(() => readText(kernel, path, 16), ENOENT, ENOTDIR, EACCES);
  return text?.startsWith("Y") ?? false;
}

/** Its file system is mounted only where it is enabled (selinux(8)). */
function hasSelinux(kernel: Kernel): boolean {
  return unlessErrno(() => kernel.stat("/sys/fs/selinux/enforce"), ENOENT, ENOTDIR) !== undefined;
}

function notEnabled(field: string, label: string, module: string): RuneError {
  return new RuneError({
    code: "CONFIG_UNSUPPORTED",
    doing: `config \`${field}\``,
    reason: `\`${label}\` is asked for, and ${module} is not enabled on this host`,
    hint: `remove the field, or boot a kernel with ${module}`,
  });
}
