// SPDX-License-Identifier: Apache-2.0
/** Handing a version 2 cgroup to the container's root, so that it can make cgroups of its own below. */
import { ENOENT } from "../kernel/constants.ts";
import { type Kernel, readText, unlessErrno } from "../kernel/kernel.ts";
import type { CgroupDirectory } from "./cgroup.ts";

/** Since Linux 4.15 the kernel says which files go with a delegation; before, it was these. */
const delegateList = "/sys/kernel/cgroup/delegate";
const usualFiles = ["cgroup.procs", "cgroup.subtree_control", "cgroup.threads"];

/**
 * Gives the directory and the files of a delegation (cgroup-v2.rst, "Model of Delegation") to a user;
 * limits stay with whoever set them.
 */
export function giveCgroup(
  kernel: Kernel,
  directories: readonly CgroupDirectory[],
  uid: number,
): void {
  const unified = directories.find(({ version }) => version === 2);
  if (unified === undefined) return;
  const group = -1; // as it is
  kernel.chown(unified.path, uid, group);
  for (const name of delegatedFiles(kernel)) {
    // Not every file exists in every cgroup: those of controllers that the parent keeps are missing.
    unlessErrno(() => kernel.chown(`${unified.path}/${name}`, uid, group), ENOENT);
  }
}

function delegatedFiles(kernel: Kernel): string[] {
  const text = unlessErrno(() => readText(kernel, delegateList), ENOENT);
  if (text === undefined) return usualFiles;
  return text.split("\n").filter((name) => /^[a-z._]+$/.test(name));
}
