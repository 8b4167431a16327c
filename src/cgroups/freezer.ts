// SPDX-License-Identifier: Apache-2.0
/**
 * Stopping all processes of a cgroup and letting them go on: the version 1 controller `freezer`, or
 * `cgroup.freeze` of version 2.
 */
import { RuneError } from "../errors/error.ts";
import { EACCES, ENODEV, ENOENT, EPERM, EROFS } from "../kernel/constants.ts";
import { type Kernel, readText, unlessErrno, writeFile } from "../kernel/kernel.ts";
import type { CgroupDirectory } from "./cgroup.ts";

/** runc tries a thousand times and gives a version 2 cgroup ten seconds; beyond this it is an error. */
const patienceMs = 10_000;
const firstWaitMs = 1;
const longestWaitMs = 20;
/**
 * Every so many tries a version 1 cgroup is let go for a moment: a process that waits in the kernel
 * for another one that is frozen already (vfork) would never get to where it can be frozen.
 */
const triesBetweenThaws = 25;

/** True while the cgroup itself is told to be frozen; not where only one above it is, as in runc. */
export function isFrozen(kernel: Kernel, directories: readonly CgroupDirectory[]): boolean {
  for (const directory of directories) {
    const file = wish(directory);
    if (file === undefined) continue;
    const text = unlessErrno(() => readText(kernel, file), ENOENT, ENODEV);
    if (text !== undefined) return text.trim() === "1";
  }
  return false;
}

/**
 * Freezes the cgroup and waits until every process in it and below has stopped.
 * @throws RuneError CGROUP when they do not stop in time: they go on then
 */
export function freeze(
  kernel: Kernel,
  directories: readonly CgroupDirectory[],
  timeoutMs = patienceMs,
): void {
  const directory = freezerOf(kernel, directories);
  if (directory === undefined) throw noFreezer("freeze the container's processes");
  const deadlineMs = kernel.nowMs() + timeoutMs;
  let waitMs = firstWaitMs;
  for (let tries = 1; ; tries++) {
    // Again and again in version 1: a process forked meanwhile keeps the state at FREEZING.
    if (directory.version === 1 || tries === 1) order(kernel, directory, true);
    if (hasStopped(kernel, directory)) return;
    if (kernel.nowMs() > deadlineMs) break;
    if (directory.version === 1 && tries % triesBetweenThaws === 0) {
      order(kernel, directory, false);
      kernel.sleepMs(firstWaitMs);
      continue;
    }
    kernel.sleepMs(waitMs);
    waitMs = Math.min(2 * waitMs, longestWaitMs);
  }
  order(kernel, directory, false);
  const doing = `freeze cgroup \`${directory.path}\``;
  const reason = `its processes did not stop within ${timeoutMs / 1000} s, and go on`;
  throw new RuneError({ code: "CGROUP", doing, reason });
}

/** Lets a frozen cgroup go on; one that is not frozen, or gone, stays as it is. */
export function thaw(kernel: Kernel, directories: readonly CgroupDirectory[]): void {
  const directory = freezerOf(kernel, directories);
  if (directory !== undefined) {
    unlessErrno(() => order(kernel, directory, false), ENOENT, ENODEV);
  }
}

/**
 * As {@link thaw}, with all cgroups below, which the container may have frozen itself: a process that
 * version 1 has frozen does not even die.
 */
export function thawAll(kernel: Kernel, directories: readonly CgroupDirectory[]): void {
  const directory = freezerOf(kernel, directories);
  if (directory === undefined) return;
  for (const path of treeOf(kernel, directory.path)) {
    const one = { ...directory, path };
    unlessErrno(() => order(kernel, one, false), ENOENT, ENODEV, EACCES, EPERM, EROFS);
  }
}

function treeOf(kernel: Kernel, path: string): string[] {
  const entries = unlessErrno(() => kernel.list(path), ENOENT) ?? [];
  const below = entries.filter(({ isDirectory }) => isDirectory);
  return [path, ...below.flatMap(({ name }) => treeOf(kernel, `${path}/${name}`))];
}

/** The file that is 1 once the cgroup has been told to freeze, before and after it is. */
function wish({ version, controllers, path }: CgroupDirectory): string | undefined {
  if (version === 2) return `${path}/cgroup.freeze`;
  return controllers.includes("freezer") ? `${path}/freezer.self_freezing` : undefined;
}

function freezerOf(
  kernel: Kernel,
  directories: readonly CgroupDirectory[],
): CgroupDirectory | undefined {
  return directories.find((directory) => {
    const file = wish(directory);
    return file !== undefined && unlessErrno(() => kernel.stat(file), ENOENT) !== undefined;
  });
}

function order(kernel: Kernel, { version, path }: CgroupDirectory, frozen: boolean): void {
  if (version === 1) writeFile(kernel, `${path}/freezer.state`, frozen ? "FROZEN" : "THAWED");
  else writeFile(kernel, `${path}/cgroup.freeze`, frozen ? "1" : "0");
}

function hasStopped(kernel: Kernel, { version, path }: CgroupDirectory): boolean {
  if (version === 1) return readText(kernel, `${path}/freezer.state`).trim() === "FROZEN";
  return readText(kernel, `${path}/cgroup.events`).split("\n").includes("frozen 1");
}

function noFreezer(doing: string): RuneError {
  return new RuneError({
    code: "CGROUP",
    doing,
    reason: "the container has no cgroup that can be frozen",
    hint: "without root this needs a cgroup that was delegated to the user",
  });
}
