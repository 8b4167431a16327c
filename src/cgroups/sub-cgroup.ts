// SPDX-License-Identifier: Apache-2.0
/** `exec --cgroup`: a process beside the container's init in the container's own hierarchy. */
import { RuneError } from "../errors/error.ts";
import { ENOENT, S_IFDIR, S_IFMT } from "../kernel/constants.ts";
import { type Kernel, readText, unlessErrno } from "../kernel/kernel.ts";
import type { CgroupDirectory } from "./cgroup.ts";

/** An existing cgroup below the container's. */
export type SubCgroup = {
  /** Of version 1, such as "cpu" or "name=systemd"; none: in every hierarchy. */
  readonly controllers: readonly string[];
  /** Relative to the container's cgroup, with or without a leading slash; "/" is that one itself. */
  readonly path: string;
};

/**
 * Where a process goes that was asked to be in `wanted`; hierarchies that none of them names keep the
 * container's own cgroup.
 * @throws RuneError CGROUP where there is no such cgroup or controller
 */
export function subCgroups(
  kernel: Kernel,
  directories: readonly CgroupDirectory[],
  wanted: readonly SubCgroup[],
): CgroupDirectory[] {
  if (directories.length === 0) throw failure("join a cgroup", "the container has none");
  const known = new Set(directories.flatMap(({ controllers }) => controllers));
  const unknown = wanted.flatMap(({ controllers }) => controllers).find((name) => !known.has(name));
  if (unknown !== undefined) {
    throw failure(
      `join cgroup of \`${unknown}\``,
      "the container's cgroups have no such controller",
    );
  }
  return directories.map((directory) => {
    const named = wanted.filter(
      ({ controllers }) =>
        controllers.length === 0 ||
        controllers.some((name) => directory.controllers.includes(name)),
    );
    const paths = [...new Set(named.map(({ path }) => below(path)))];
    if (paths.length > 1) {
      const reason = `its controllers \`${directory.controllers.join(",")}\` are in one place at a time`;
      throw failure(`join cgroup \`${paths[1]}\``, reason);
    }
    const [path = ""] = paths;
    return path === ""
      ? directory
      : existing(kernel, { ...directory, path: directory.path + path });
  });
}

/**
 * Where a container has given controllers to cgroups below its own, no process can be in its own any
 * more (cgroup-v2.rst, "No Internal Process Constraint"): as with runc, one goes where its init is.
 */
export function besideInit(
  kernel: Kernel,
  directories: readonly CgroupDirectory[],
  init: number,
): CgroupDirectory[] {
  const lines = readText(kernel, `/proc/${init}/cgroup`).trim().split("\n");
  const place = lines.find((line) => line.startsWith("0::"))?.slice(3) ?? "/";
  return directories.map((directory) => {
    if (directory.version !== 2) return directory;
    const above = ancestors(place).find((path) => directory.path.endsWith(path)) ?? place;
    return { ...directory, path: directory.path + place.slice(above.length) };
  });
}

/** The path itself, "/a/b", and those above it, but for the root. */
function ancestors(path: string): string[] {
  const slash = path.lastIndexOf("/");
  return slash < 0 || path === "/" ? [] : [path, ...ancestors(path.slice(0, slash))];
}

/** "", or a path that starts with a slash; ".." must stay below the container's cgroup. */
function below(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) {
      throw failure(`join cgroup \`${path}\``, "it is not below the container's");
    }
  }
  return parts.map((part) => `/${part}`).join("");
}

function existing(kernel: Kernel, directory: CgroupDirectory): CgroupDirectory {
  // Not followed: there are no links in a cgroup file system, and a container's own could mount there.
  const found = unlessErrno(() => kernel.lstat(directory.path), ENOENT);
  if (found !== undefined && (found.mode & S_IFMT) === S_IFDIR) return directory;
  throw failure(`join cgroup \`${directory.path}\``, "no such cgroup");
}

function failure(doing: string, reason: string): RuneError {
  return new RuneError({ code: "CGROUP", doing, reason });
}
