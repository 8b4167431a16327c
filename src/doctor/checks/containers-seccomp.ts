// SPDX-License-Identifier: Apache-2.0
import { broken, type Check, missing, ok } from "../check.ts";

export const containersSeccomp: Check = {
  topic: "containers",
  name: "seccomp",
  about:
    "/proc/sys/kernel/seccomp/actions_avail: filters, and of their actions those that profiles use",
  look: (probe) => {
    const text = probe.text("/proc/sys/kernel/seccomp/actions_avail");
    if (text === undefined) {
      return missing(
        "the kernel has no seccomp filters",
        "boot a kernel with CONFIG_SECCOMP_FILTER=y",
      );
    }
    const actions = text.trim().split(/\s+/);
    const absent = ["kill_process", "errno", "user_notif", "allow"].filter(
      (name) => !actions.includes(name),
    );
    return absent.length === 0
      ? ok(`actions ${actions.join(", ")}`)
      : broken(
          `the kernel lacks the action(s) ${absent.join(", ")}`,
          "boot a kernel of 5.12 or newer",
        );
  },
};
