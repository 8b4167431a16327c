// SPDX-License-Identifier: Apache-2.0
import { broken, type Check, ok } from "../check.ts";

/** openat2, mount_setattr with id maps and close_range's flags are all there from 5.12 on; simulation alone would do with 5.11. */
const oldest = [5, 12] as const;

export const containersKernel: Check = {
  topic: "containers",
  name: "kernel",
  about: "the kernel's version: 5.12 or newer (clone3, pidfd, openat2, mounts with id maps)",
  look: (probe) => {
    const release = probe.text("/proc/sys/kernel/osrelease")?.trim() ?? "";
    const [, major = "0", minor = "0"] = /^(\d+)\.(\d+)/.exec(release) ?? [];
    const isOld =
      Number(major) < oldest[0] || (Number(major) === oldest[0] && Number(minor) < oldest[1]);
    return isOld
      ? broken(`kernel \`${release}\` is older than 5.12`, "boot a newer kernel")
      : ok(`kernel \`${release}\``);
  },
};
