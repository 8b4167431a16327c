// SPDX-License-Identifier: Apache-2.0
/** A container's cgroup: one directory in every hierarchy. */
import { RuneError } from "../errors/error.ts";
import { EACCES, EBUSY, EEXIST, ENOENT, EPERM, EROFS } from "../kernel/constants.ts";
import { type Kernel, readText, unlessErrno, writeFile } from "../kernel/kernel.ts";
import type { Hierarchy } from "./layout.ts";

/** One directory of a container's cgroup. */
export type CgroupDirectory = {
  readonly version: 1 | 2;
  readonly controllers: readonly string[];
  /** Absolute path on the host. */
  readonly path: string;
};

/**
 * Where a container's cgroup is: an absolute `cgroupsPath` from the root of each hierarchy, a
 * relative one below the caller's own cgroup, none the container's id there. As runc has it.
 */
export function locateCgroup(
  hierarchies: readonly Hierarchy[],
  cgroupsPath: string | undefined,
  id: string,
): CgroupDirectory[] {
  const wanted = cgroupsPath === undefined || cgroupsPath === "" ? id : cgroupsPath;
  const clean = cleanRelative(wanted);
  return hierarchies.map(({ version, controllers, mountPoint, own }) => {
    const base = wanted.startsWith("/") ? "" : own.replace(/\/+$/, "");
    return { version, controllers, path: `${mountPoint}${base}/${clean}` };
  });
}

/** Without leading slash, "." and "..": nothing outside the hierarchy can be named. */
function cleanRelative(path: string): string {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.length === 0 || parts.includes("..")) {
    throw new RuneError({
      code: "CONFIG_INVALID",
      doing: "config `linux.cgroupsPath`",
      reason: `\`${path}\` names no cgroup`,
    });
  }
  return parts.join("/");
}

/** What is asked of a cgroup: it decides whether a container can go without. */
export type CgroupDemand = {
  /** The configuration has limits. */
  readonly limited: boolean;
  /** The configuration has a `cgroupsPath`. */
  readonly named: boolean;
  /** Whether the caller need not be able to make cgroups: `--rootless`. Asked when it cannot. */
  readonly optional: () => boolean;
};

/**
 * Makes the directories. Returns those that exist afterwards: a rootless container that asks for
 * nothing in particular goes without those that its maker may not make.
 */
export function createCgroup(
  kernel: Kernel,
  directories: readonly CgroupDirectory[],
  demand: CgroupDemand,
): CgroupDirectory[] {
  return directories.filter((directory) => {
    try {
      makeDirectories(kernel, directory);
      if (directory.version === 2) delegateControllers(kernel, parentOf(directory.path));
      return true;
    } catch (error) {
      const failure = RuneError.from(error, "make cgroup").within("create cgroup");
      const refused = [EACCES, EPERM, EROFS].includes(failure.errno ?? 0);
      if (!refused || !demand.optional()) throw failure;
      if (demand.limited || demand.named) throw inNeed(failure, demand);
      return false;
    }
  });
}

function inNeed({ doing, reason, errno, cause }: RuneError, { limited }: CgroupDemand): RuneError {
  const wanted = limited ? "`linux.resources` has limits" : "`linux.cgroupsPath` names it";
  return new RuneError({
    code: "CGROUP",
    doing,
    reason: `${reason}, and ${wanted}: a rootless container goes without a cgroup only where none is asked for`,
    hint: "have a part of the hierarchy delegated to the user, or remove limits and path",
    ...(errno === undefined ? {} : { errno }),
    cause,
  });
}

/** Makes the directory and its missing parents; a new version 1 cpuset needs its parent's values. */
function makeDirectories(kernel: Kernel, { path, version, controllers }: CgroupDirectory): void {
  const made = unlessErrno(
    () => {
      kernel.mkdir(path, 0o755);
      return true;
    },
    EEXIST,
    ENOENT,
  );
  const isCpuset = version === 1 && controllers.includes("cpuset");
  if (made === true) {
    if (isCpuset) inheritCpuset(kernel, path);
    return;
  }
  if (unlessErrno(() => kernel.stat(path), ENOENT) !== undefined) return;
  makeDirectories(kernel, { path: parentOf(path), version, controllers });
  unlessErrno(() => kernel.mkdir(path, 0o755), EEXIST);
  if (isCpuset) inheritCpuset(kernel, path);
}

/** cpuset.cpus and .mems start empty in version 1, and no process can join until they are set. */
function inheritCpuset(kernel: Kernel, path: string): void {
  const parent = parentOf(path);
  for (const name of ["cpuset.cpus", "cpuset.mems"]) {
    if (readText(kernel, `${path}/${name}`).trim() !== "") continue;
    writeFile(kernel, `${path}/${name}`, readText(kernel, `${parent}/${name}`).trim());
  }
}

/**
 * Makes a version 2 directory and those above it hand their controllers down: a limit has no file
 * where one of them does not.
 */
function delegateControllers(kernel: Kernel, path: string): void {
  const words = (name: string) =>
    unlessErrno(() => readText(kernel, `${path}/${name}`), ENOENT)
      ?.trim()
      .split(" ");
  if (words("cgroup.controllers") === undefined) return; // above the mount point
  delegateControllers(kernel, parentOf(path));
  const handed = new Set(words("cgroup.subtree_control"));
  for (const name of words("cgroup.controllers") ?? []) {
    if (name === "" || handed.has(name)) continue;
    // One by one: a controller with internal processes in the parent must not keep the others back.
    const write = () => writeFile(kernel, `${path}/cgroup.subtree_control`, `+${name}`);
    unlessErrno(write, EBUSY, EPERM, ENOENT, EACCES);
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

/** The version 2 directory, to be born in it. */
export function unifiedPath(directories: readonly CgroupDirectory[]): string | undefined {
  return directories.find(({ version }) => version === 2)?.path;
}

/** `tasks` of every version 1 directory: what the parent of a launch plan joins. */
export function tasksFiles(directories: readonly CgroupDirectory[]): string[] {
  return directories.filter(({ version }) => version === 1).map(({ path }) => `${path}/tasks`);
}

/** Pids in the container's cgroup and below it, in the first hierarchy that has it. */
export function cgroupPids(kernel: Kernel, directories: readonly CgroupDirectory[]): number[] {
  for (const { path } of directories) {
    const pids = unlessErrno(() => pidsBelow(kernel, path), ENOENT);
    if (pids !== undefined) return pids;
  }
  return [];
}

function pidsBelow(kernel: Kernel, path: string): number[] {
  const own = readText(kernel, `${path}/cgroup.procs`).split("\n").filter(Boolean).map(Number);
  const below = kernel
    .list(path)
    .filter(({ isDirectory }) => isDirectory)
    .flatMap(({ name }) => unlessErrno(() => pidsBelow(kernel, `${path}/${name}`), ENOENT) ?? []);
  return [...own, ...below];
}

const removalPatienceMs = 10_000;

/** Removes the directories and all below; waits for processes that are still on their way out. */
export function removeCgroup(kernel: Kernel, directories: readonly CgroupDirectory[]): void {
  for (const { path } of directories) removeTree(kernel, path, kernel.nowMs() + removalPatienceMs);
}

function removeTree(kernel: Kernel, path: string, deadlineMs: number): void {
  for (let waitMs = 1; ; waitMs = Math.min(2 * waitMs, 50)) {
    const removed = unlessErrno(() => {
      unlessErrno(() => kernel.rmdir(path), ENOENT);
      return true;
    }, EBUSY);
    if (removed === true) return;
    for (const { name, isDirectory } of unlessErrno(() => kernel.list(path), ENOENT) ?? []) {
      if (isDirectory) removeTree(kernel, `${path}/${name}`, deadlineMs);
    }
    if (kernel.nowMs() > deadlineMs) {
      const doing = `remove cgroup \`${path}\``;
      throw new RuneError({ code: "CGROUP", doing, reason: "processes in it do not end" });
    }
    kernel.sleepMs(waitMs);
  }
}
