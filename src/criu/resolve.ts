// SPDX-License-Identifier: Apache-2.0
import { EINVAL, ENOENT, ENOTDIR } from "../kernel/constants.ts";
import { type Kernel, unlessErrno } from "../kernel/kernel.ts";

const linksMax = 40; // MAXSYMLINKS of the kernel

/**
 * A path of a root file system without the links in it, as its own processes see it. What is missing
 * stays as it is. The answer is a name for criu to compare, never opened: the image may change it meanwhile.
 */
export function resolveInRoot(kernel: Kernel, root: string, path: string): string {
  let left = path.split("/");
  let done: string[] = [];
  for (let links = 0; left.length > 0; ) {
    const [part, ...rest] = left;
    left = rest;
    if (part === undefined || part === "" || part === ".") continue;
    if (part === "..") {
      done.pop();
      continue;
    }
    const target = linkTarget(kernel, `${root}/${[...done, part].join("/")}`);
    if (target === undefined || links >= linksMax) {
      done.push(part);
      continue;
    }
    links++;
    if (target.startsWith("/")) done = [];
    left = [...target.split("/"), ...left];
  }
  return `/${done.join("/")}`;
}

function linkTarget(kernel: Kernel, path: string): string | undefined {
  return unlessErrno(() => kernel.readlink(path), EINVAL, ENOENT, ENOTDIR);
}
