// SPDX-License-Identifier: Apache-2.0
/**
 * Walks over a cgroup and all below it. A container that may write its cgroups chooses how deep they
 * are, so everything goes by descriptor and name: no path may grow beyond PATH_MAX, nothing recurses,
 * and no more than two directories are open at a time.
 */
import { ENOENT, O_DIRECTORY, O_NOFOLLOW, O_RDONLY } from "../kernel/constants.ts";
import { type Fd, type Kernel, unlessErrno } from "../kernel/kernel.ts";

export type Visit = {
  /** Each cgroup, those above before those below. */
  readonly enter?: (cgroup: Fd) => void;
  /** Each cgroup below the top, once all below it are done; `parent` holds `name`. */
  readonly leave?: (parent: Fd, name: string) => void;
};

/** Visits the tree at a path; what goes away meanwhile is passed over. */
export function visitTree(kernel: Kernel, path: string, { enter, leave }: Visit): void {
  const top = unlessErrno(() => kernel.open(path, directory), ENOENT);
  if (top === undefined) return;
  let at = top;
  const move = (to: Fd) => {
    kernel.close(at);
    at = to;
  };
  const list = (): string[] => {
    enter?.(at);
    return childrenOf(kernel, at);
  };
  try {
    for (const above: Level[] = [{ name: "", left: list() }]; ; ) {
      const level = above.at(-1);
      const name = level?.left.pop();
      if (name !== undefined) {
        const child = unlessErrno(() => kernel.openAt(at, name, directory), ENOENT);
        if (child === undefined) continue;
        move(child);
        above.push({ name, left: list() });
        continue;
      }
      above.pop();
      if (level === undefined || above.length === 0) return;
      const parent = unlessErrno(() => kernel.openAt(at, "..", directory), ENOENT);
      if (parent === undefined) return; // somebody else removes the tree
      move(parent);
      leave?.(at, level.name);
    }
  } finally {
    kernel.close(at);
  }
}

/** A cgroup on the way down: its name, and which of its children are still to be visited. */
type Level = { readonly name: string; readonly left: string[] };

const directory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

function childrenOf(kernel: Kernel, cgroup: Fd): string[] {
  const entries = unlessErrno(() => kernel.listAt(cgroup), ENOENT) ?? [];
  return entries.filter(({ isDirectory }) => isDirectory).map(({ name }) => name);
}
