// SPDX-License-Identifier: Apache-2.0
import { type Check, missing, ok } from "../check.ts";

export const containersUserNamespaces: Check = {
  topic: "containers",
  name: "user-namespaces",
  about:
    "whether this caller may make user namespaces: user.max_user_namespaces, and for others than root what distributions add",
  optional: true,
  look: (probe) => {
    const number = (path: string) => probe.text(path)?.trim();
    if (probe.stat("/proc/self/ns/user") === undefined) {
      return missing("the kernel has no user namespaces", "boot a kernel with CONFIG_USER_NS=y");
    }
    if (number("/proc/sys/user/max_user_namespaces") === "0") {
      return missing("user.max_user_namespaces is 0", "sysctl -w user.max_user_namespaces=15000");
    }
    if (probe.euid === 0) return ok("root may make them");
    if (number("/proc/sys/kernel/unprivileged_userns_clone") === "0") {
      return missing(
        "kernel.unprivileged_userns_clone is 0: for root alone",
        "sysctl -w kernel.unprivileged_userns_clone=1",
      );
    }
    if (number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") === "1") {
      return missing(
        "AppArmor restricts them to programs with a profile",
        "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or load a profile for rune",
      );
    }
    return ok("this caller may make them");
  },
};
