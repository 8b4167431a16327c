// SPDX-License-Identifier: Apache-2.0
/**
 * What `npm run test:conformance` runs with another runtime in rune's place: a test that is red there
 * is a wrong test, or has its reason written beside it.
 */
export const otherRuntimes: Readonly<Record<string, readonly string[]>> = {
  runc: ["tests/runtime/", "tests/cgroups/", "tests/seccomp/", "tests/security/", "tests/engines/"],
  // File by file: one is added once each of its tests has been gone through with crun.
  crun: [
    "tests/runtime/descriptors.test.ts",
    "tests/runtime/exec.test.ts",
    "tests/runtime/exit-status.test.ts",
    "tests/runtime/filesystem.test.ts",
    "tests/runtime/identity.test.ts",
    "tests/runtime/kept.test.ts",
    "tests/runtime/kill-all.test.ts",
    "tests/runtime/lifecycle.test.ts",
    "tests/runtime/mount-options.test.ts",
    "tests/runtime/mounts.test.ts",
    "tests/runtime/namespaces.test.ts",
    "tests/runtime/pause.test.ts",
    "tests/runtime/program.test.ts",
    "tests/runtime/ps.test.ts",
    "tests/runtime/signals.test.ts",
    "tests/runtime/terminal.test.ts",
    "tests/runtime/tmpfs.test.ts",
  ],
};

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
