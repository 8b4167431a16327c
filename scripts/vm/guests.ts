// SPDX-License-Identifier: Apache-2.0
/** The virtual machines of `npm run test:vm`, and which tests each of them runs. */

export type Guest = {
  readonly name: string;
  /** Process 1: what the initramfs hands over to. */
  readonly init: string;
  /** Repository paths of test files. */
  readonly tests: readonly string[];
};

/** Both guests: Debian's kernel, cgroup v2 unified, every capability, AppArmor. */
export const guests: readonly Guest[] = [
  {
    name: "v2",
    init: "/usr/local/sbin/guest-init",
    tests: [
      "tests/cgroups/devices.test.ts",
      "tests/cgroups/limits.test.ts",
      "tests/cgroups/refused-limits.test.ts",
      "tests/cgroups/update.test.ts",
      "tests/runtime/checkpoint.test.ts",
      "tests/runtime/checkpoint-memory.test.ts",
      "tests/runtime/checkpoint-surroundings.test.ts",
      "tests/runtime/pause.test.ts",
      "tests/vm/apparmor.test.ts",
      "tests/vm/limits.test.ts",
      "tests/vm/privileged.test.ts",
      "tests/vm/protection-keys.test.ts",
    ],
  },
  {
    name: "systemd",
    init: "/lib/systemd/systemd",
    tests: [
      "tests/runtime/pause.test.ts",
      "tests/vm/delegation.test.ts",
      "tests/vm/privileged.test.ts",
      "tests/vm/scope.test.ts",
    ],
  },
];

/** Debian's runc runs the same tests: what is red on it is a wrong test, or has its reason. */
export const guestRuntimes = ["rune", "runc"] as const;
