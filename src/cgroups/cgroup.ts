// SPDX-License-Identifier: Apache-2.0
/** A container's cgroup: one directory in every hierarchy. */
import { RuneError } from "../errors/error.ts";
import {
  EACCES,
  EBUSY,
  EEXIST,
  ENODEV,
  ENOENT,
  EOPNOTSUPP,
  EPERM,
  EROFS,
  O_RDONLY,
} from "../kernel/constants.ts";
import {
  type Fd,
  type Kernel,
  readText,
  readToEnd,
  unlessErrno,
  writeFile,
} from "../kernel/kernel.ts";
import type { Hierarchy } from "./layout.ts";
import { visitTree } from "./tree.ts";

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
 * `made` receives every directory that was missing, those above before those below.
 */
export function createCgroup(
  kernel: Kernel,
  directories: readonly CgroupDirectory[],
  demand: CgroupDemand,
  made: string[] = [],
): CgroupDirectory[] {
  return directories.filter((directory) => {
    try {
      makeDirectories(kernel, directory, made);
      if (directory.version === 2) {
        delegateControllers(kernel, parentOf(directory.path));
        makeJoinable(kernel, directory.path);
      }
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

/** Takes back what a failed start has made, but for what others have begun to use. */
export function removeMade(kernel: Kernel, made: readonly string[]): void {
  for (const path of made.toReversed()) {
    unlessErrno(() => kernel.rmdir(path), ENOENT, EBUSY, EACCES, EPERM);
  }
}

/** Makes the directory and its missing parents; a new version 1 cpuset needs its parent's values. */
function makeDirectories(kernel: Kernel, directory: CgroupDirectory, made: string[]): void {
  const { path, version, controllers } = directory;
  for (let attempts = 0; ; attempts++) {
    const isNew = makeDirectory(kernel, path);
    if (isNew === true) made.push(path);
    if (isNew === true && version === 1 && controllers.includes("cpuset")) {
      inheritCpuset(kernel, path);
    }
    if (isNew !== undefined) return;
    // Another start that failed may take a common parent away at any moment, but hardly for long.
    if (attempts === 10) kernel.mkdir(path, 0o755);
    makeDirectories(kernel, { ...directory, path: parentOf(path) }, made);
  }
}

/** True when it is new, false when it was there, undefined when its parent is missing. */
function makeDirectory(kernel: Kernel, path: string): boolean | undefined {
  return unlessErrno(() => {
    const isNew = unlessErrno(() => {
      kernel.mkdir(path, 0o755);
      return true;
    }, EEXIST);
    return isNew === true;
  }, ENOENT);
}

/**
 * Below a threaded cgroup a new one is no valid domain: no process can be in it until it is threaded
 * itself, which as in runc it becomes. It can have no limits on memory, io and huge pages then.
 */
function makeJoinable(kernel: Kernel, path: string): void {
  const type = unlessErrno(() => readText(kernel, `${path}/cgroup.type`), ENOENT)?.trim();
  if (type !== "domain invalid") return;
  try {
    writeFile(kernel, `${path}/cgroup.type`, "threaded");
  } catch (error) {
    const { errno } = RuneError.from(error, "make threaded");
    throw new RuneError({
      code: "CGROUP",
      doing: `use cgroup \`${path}\``,
      reason:
        "no process can be in it: it is below a threaded cgroup and cannot be threaded itself",
      ...(errno === undefined ? {} : { errno }),
      cause: error,
    });
  }
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
    // In a threaded subtree it is EOPNOTSUPP for those that count whole processes.
    unlessErrno(write, EBUSY, EOPNOTSUPP, EPERM, ENOENT, EACCES);
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
    const pids = pidsBelow(kernel, path);
    if (pids !== undefined) return pids;
  }
  return [];
}

function pidsBelow(kernel: Kernel, path: string): number[] | undefined {
  const pids: number[] = [];
  let found = false;
  visitTree(kernel, path, {
    enter: (cgroup) => {
      found = true;
      for (const line of readMembers(kernel, cgroup)) pids.push(Number(line));
    },
  });
  return found ? pids : undefined;
}

function readMembers(kernel: Kernel, cgroup: Fd): string[] {
  const read = (name: string) => {
    const fd = kernel.openAt(cgroup, name, O_RDONLY);
    try {
      return new TextDecoder().decode(readToEnd(kernel, fd, name, membersMaxBytes));
    } finally {
      kernel.close(fd);
    }
  };
  // A threaded cgroup does not tell its processes, but its threads, by whose ids they can be killed.
  const processes = unlessErrno(() => read("cgroup.procs"), EOPNOTSUPP, ENOENT, ENODEV);
  const members = processes ?? unlessErrno(() => read("cgroup.threads"), ENOENT, ENODEV) ?? "";
  return members.split("\n").filter(Boolean);
}

/** Room for as many ids as there can be: PID_MAX_LIMIT is 2^22. */
const membersMaxBytes = 8 << 22;
const removalPatienceMs = 10_000;

/** Removes the directories and all below; waits for processes that are still on their way out. */
export function removeCgroup(kernel: Kernel, directories: readonly CgroupDirectory[]): void {
  for (const { path } of directories) removeOne(kernel, path);
}

function removeOne(kernel: Kernel, path: string): void {
  const deadlineMs = kernel.nowMs() + removalPatienceMs;
  for (let waitMs = 1; ; waitMs = Math.min(2 * waitMs, 50)) {
    if (isRemoved(() => kernel.rmdir(path))) return;
    visitTree(kernel, path, {
      leave: (parent, name) => void isRemoved(() => kernel.rmdirAt(parent, name)),
    });
    if (isRemoved(() => kernel.rmdir(path))) return;
    if (kernel.nowMs() > deadlineMs) {
      const doing = `remove cgroup \`${path}\``;
      throw new RuneError({ code: "CGROUP", doing, reason: "processes in it do not end" });
    }
    kernel.sleepMs(waitMs);
  }
}

/** False while there are processes or cgroups in it. */
function isRemoved(remove: () => void): boolean {
  const removed = unlessErrno(() => {
    unlessErrno(remove, ENOENT);
    return true;
  }, EBUSY);
  return removed === true;
}
