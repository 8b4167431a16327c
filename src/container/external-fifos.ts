// SPDX-License-Identifier: Apache-2.0
import { ENOENT, S_IFIFO, S_IFMT } from "../kernel/constants.ts";
import { type Kernel, readText, unlessErrno } from "../kernel/kernel.ts";

const mib = 1 << 20;

/**
 * criu's names of the standard streams of a process that are fifos of the host's: they have a path that the
 * container does not know, and others stand in for them when it is restored. By descriptor; undefined for
 * anything else.
 */
export function externalFifos(kernel: Kernel, pid: number): (string | undefined)[] {
  let mounts: ReadonlySet<string> | undefined;
  return [0, 1, 2].map((fd) => {
    const path = `/proc/${pid}/fd/${fd}`;
    const found = unlessErrno(() => kernel.stat(path), ENOENT);
    if (found === undefined || (found.mode & S_IFMT) !== S_IFIFO) return undefined;
    if (!kernel.readlink(path).startsWith("/")) return undefined; // a pipe, which criu knows by itself
    const info = readText(kernel, `/proc/${pid}/fdinfo/${fd}`);
    const mount = /^mnt_id:\s+(\d+)$/m.exec(info)?.[1];
    mounts ??= mountsOf(kernel, pid);
    if (mount === undefined || mounts.has(mount)) return undefined;
    return `file[${Number(mount).toString(16)}:${found.inode.toString(16)}]`;
  });
}

function mountsOf(kernel: Kernel, pid: number): ReadonlySet<string> {
  const lines = readText(kernel, `/proc/${pid}/mountinfo`, mib).split("\n");
  return new Set(lines.map((line) => line.slice(0, line.indexOf(" "))));
}
