// SPDX-License-Identifier: Apache-2.0
/** What a container must not leave behind: anything whose name, path or cgroup has its mark. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** Everything on the machine that bears the mark, one line each. */
export function leftovers(mark: string): string[] {
  return [...processes(mark), ...mounts(mark), ...cgroups(mark), ...sockets(mark)];
}

/** Processes that run in a marked cgroup, in a marked directory, or with the mark in their arguments. */
export function processes(mark: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => isAlive(pid) && evidence(pid).includes(mark))
    .map((pid) => `process ${pid}: ${read(`/proc/${pid}/cmdline`).replaceAll("\0", " ")}`);
}

/** Cgroup directories, also below others, in every hierarchy. */
export function cgroups(mark: string): string[] {
  return directoriesBelow("/sys/fs/cgroup")
    .filter((path) => path.includes(mark))
    .map((path) => `cgroup ${path}`);
}

function mounts(mark: string): string[] {
  return read("/proc/self/mountinfo")
    .split("\n")
    .filter((line) => line.includes(mark))
    .map((line) => `mount ${line}`);
}

function sockets(mark: string): string[] {
  return read("/proc/net/unix")
    .split("\n")
    .filter((line) => line.includes(mark))
    .map((line) => `socket ${line}`);
}

function evidence(pid: string): string {
  const links = ["cwd", "root", "exe"].map((name) => readlink(`/proc/${pid}/${name}`));
  const open = list(`/proc/${pid}/fd`).map((fd) => readlink(`/proc/${pid}/fd/${fd}`));
  const texts = ["cgroup", "cmdline"].map((name) => read(`/proc/${pid}/${name}`));
  return [...links, ...open, ...texts].join("\n");
}

/** A zombie is gone but for its parent's wait. */
function isAlive(pid: string): boolean {
  const stat = read(`/proc/${pid}/stat`);
  return stat !== "" && !/\) [ZX] /.test(stat);
}

function directoriesBelow(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(path, entry.name))
      .flatMap((child) => [child, ...directoriesBelow(child)]);
  } catch {
    return []; // gone meanwhile
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function readlink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
