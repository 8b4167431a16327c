// SPDX-License-Identifier: Apache-2.0
/**
 * The directory of a checkpoint's images. They hold the memory of processes, and criu lets anybody read
 * the files: who may enter the directory decides. Of a container with a user namespace its root has to,
 * as who criu restores.
 */
import { RuneError } from "../errors/error.ts";
import { EACCES, ENOENT } from "../kernel/constants.ts";
import { type Fd, type Kernel, readText, unlessErrno } from "../kernel/kernel.ts";
import type { Config } from "../oci/config.ts";
import { cloneFlags } from "../oci/namespaces.ts";
import { isNew } from "../plan/namespaces.ts";
import { hostId } from "../plan/user.ts";
import { openOrMake } from "./criu.ts";
import type { InitProcess, State } from "./state.ts";

/** Opens it; one that is missing is made for the host's root, and the container's where that is another. */
export function openImages(
  kernel: Kernel,
  path: string,
  { namespaces }: State,
  init: InitProcess,
): Fd {
  const found = unlessErrno(() => kernel.stat(path), ENOENT);
  const fd = openOrMake(kernel, path);
  if (found === undefined && (namespaces & cloneFlags.user) !== 0) {
    const gid = rootGroup(readText(kernel, `/proc/${init.pid}/gid_map`));
    if (gid !== undefined) {
      // By descriptor: whoever may write above could put a link in its place.
      const opened = `/proc/self/fd/${fd}`;
      kernel.chown(opened, kernel.euid(), gid);
      kernel.chmod(opened, 0o710);
    }
  }
  return fd;
}

/** user_namespaces(7): lines of three numbers. */
function rootGroup(map: string): number | undefined {
  const [, first] = /^\s*0\s+(\d+)\s/m.exec(map) ?? [];
  return first === undefined ? undefined : Number(first);
}

/** @throws RuneError where criu would fail to open them in the middle of a restore */
export function requireEntry(
  kernel: Kernel,
  images: Fd,
  { path, config }: { readonly path: string; readonly config: Config },
): void {
  if (!isNew(config, "user")) return;
  const { uidMappings = [], gidMappings = [] } = config.linux ?? {};
  const [root, group] = [hostId(uidMappings, 0), hostId(gidMappings, 0)];
  const { mode, uid, gid } = kernel.fstat(images);
  const search = uid === root ? 0o100 : gid === group ? 0o010 : 0o001;
  if ((mode & search) !== 0) return;
  throw new RuneError({
    code: "SYSCALL",
    doing: `enter \`${path}\` as the container's root, user ${root} of the host`,
    reason: "permission denied",
    errno: EACCES,
    hint: `\`chgrp ${group} ${path} && chmod 710 ${path}\` lets it, and nobody else, in`,
  });
}
