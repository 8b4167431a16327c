// SPDX-License-Identifier: Apache-2.0

import { deleteContainer } from "../container/delete.ts";
import type { Deps } from "../container/deps.ts";
import { peekState } from "../container/store.ts";
import { ENOENT } from "../kernel/constants.ts";
import { type Kernel, unlessErrno } from "../kernel/kernel.ts";

/**
 * Ends and removes what there is of the bundle's container. Containers are found by namespace and id: one of
 * another containerd on this machine, or one made by hand, may have the same, and is not to be ended for it.
 */
export async function deleteOwn(deps: Deps, id: string, bundle: string): Promise<void> {
  if (!isOfAnother(deps, id, bundle)) await deleteContainer(deps, id, true);
}

function isOfAnother({ kernel, root }: Deps, id: string, bundle: string): boolean {
  let theirs: string;
  try {
    theirs = peekState(kernel, root, id).bundle;
  } catch {
    return false; // what cannot be read is for `delete` to judge
  }
  return theirs !== bundle && isAnother(kernel, theirs, bundle);
}

/** The same directory may have two names. One that is gone is nobody's any more. */
function isAnother(kernel: Kernel, theirs: string, bundle: string): boolean {
  const [one, other] = [theirs, bundle].map((path) => unlessErrno(() => kernel.stat(path), ENOENT));
  if (one === undefined || other === undefined) return false;
  return one.device !== other.device || one.inode !== other.inode;
}
