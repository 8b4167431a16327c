// SPDX-License-Identifier: Apache-2.0
import { broken, type Check, ok } from "../check.ts";

const calls = ["pidfd_open", "openat2"] as const;

export const containersCalls: Check = {
  topic: "containers",
  name: "system-calls",
  about:
    "pidfd_open and openat2 are tried: a profile around rune (as in a container) may refuse what the kernel has",
  look: (probe) => {
    for (const call of calls) {
      const reason = probe.without(call);
      if (reason === undefined) continue;
      return broken(
        `${call} fails: ${reason}`,
        "boot a kernel of 5.12 or newer; within a container, give it a seccomp profile that allows the call",
      );
    }
    return ok(`${calls.join(" and ")} work`);
  },
};
