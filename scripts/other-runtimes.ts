// SPDX-License-Identifier: Apache-2.0
/**
 * What `npm run test:conformance` runs with another runtime in rune's place: a test that is red there
 * is a wrong test, or has its reason written beside it.
 */
export const otherRuntimes: Readonly<Record<string, readonly string[]>> = {
  runc: [
    "tests/runtime/",
    "tests/cgroups/",
    "tests/seccomp/",
    "tests/security/",
    "tests/engines/",
    "tests/cri/",
  ],
  crun: ["tests/runtime/", "tests/cgroups/", "tests/seccomp/", "tests/security/"],
};

/**
 * What runs again with each containerd that scripts/containerd.sh has fetched: the version 3 protocol of the
 * shim has its peer there.
 */
export const otherContainerds = {
  releases: ["trixie", "forky"],
  /** For every change. */
  some: ["tests/shim/task.test.ts"],
  /** With `--conformance`. */
  all: ["tests/shim/task.test.ts", "tests/shim/failures.test.ts", "tests/shim/checkpoint.test.ts"],
} as const;

/**
 * What runs again with WARM=1, through a planner (docs/explanation/planner.md): the results are the same
 * as of a cold start, test by test.
 */
export const warm = {
  /** For every change. */
  some: ["tests/runtime/lifecycle.test.ts", "tests/runtime/exec.test.ts"],
  /** With `--conformance`. */
  all: [
    "tests/runtime/",
    "tests/cgroups/",
    "tests/seccomp/",
    "tests/security/",
    "tests/enclave/",
    "tests/systemd/",
  ],
} as const;
