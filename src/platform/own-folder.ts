// SPDX-License-Identifier: Apache-2.0
/**
 * Makes a folder and gives it to its user. The caller may be root and the folder below /tmp, where
 * others lay links: every step is by descriptor. Imported by `rune` too, so without node: modules.
 */
import { RuneError } from "../errors/error.ts";
import {
  EEXIST,
  ENOENT,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
} from "../kernel/constants.ts";
import { type Fd, type Kernel, type Stat, unlessErrno } from "../kernel/kernel.ts";

export type Owner = { readonly uid: number; readonly gid: number };

export type OwnFolder = {
  readonly path: string;
  readonly mode: number;
  /** Undefined: whoever makes it. */
  readonly owner: Owner | undefined;
};

/** Parents that are missing belong to the caller, and everybody may look into them. */
const PARENT_MODE = 0o755;

/** @throws RuneError PLATFORM_SERVICE for a link of another's on the way, or in the folder's place */
export function makeOwnFolder(kernel: Kernel, { path, mode, owner }: OwnFolder): void {
  const names = path.split("/").slice(1);
  let folder = kernel.open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  try {
    for (const [index, name] of names.entries()) {
      const isLast = index === names.length - 1;
      const next = enter(kernel, folder, name, isLast ? mode : PARENT_MODE, { path, isLast });
      kernel.close(folder);
      folder = next;
    }
    giveTo(kernel, folder, mode, owner);
  } finally {
    kernel.close(folder);
  }
}

function giveTo(kernel: Kernel, folder: Fd, mode: number, owner: Owner | undefined): void {
  // A descriptor of O_PATH is changed by way of its magic link, which leads nowhere else.
  const opened = `/proc/self/fd/${folder}`;
  const found = kernel.fstat(folder);
  if (owner !== undefined && (found.uid !== owner.uid || found.gid !== owner.gid)) {
    kernel.chown(opened, owner.uid, owner.gid);
  }
  if ((found.mode & 0o777) !== mode) kernel.chmod(opened, mode);
}

type Place = { readonly path: string; readonly isLast: boolean };

/** The folder of that name below another, made where there is none. */
function enter(kernel: Kernel, parent: Fd, name: string, mode: number, place: Place): Fd {
  const look = () => kernel.openAt(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  const found = unlessErrno(look, ENOENT);
  if (found === undefined) {
    unlessErrno(() => kernel.mkdir(`/proc/self/fd/${parent}/${name}`, mode), EEXIST);
  }
  const fd = found ?? look();
  const status = kernel.fstat(fd);
  if (isOf(status, S_IFDIR)) return fd;
  kernel.close(fd);
  if (!isOf(status, S_IFLNK)) throw refused(name, place, "is no folder");
  if (place.isLast) throw refused(name, place, "is a symbolic link");
  // /var/run is a link on every system; one that another user has laid leads where that user wants.
  for (const { uid } of [status, kernel.fstat(parent)]) {
    if (uid !== 0 && uid !== kernel.euid()) {
      throw refused(name, place, `is a symbolic link that user ${uid} decides on`);
    }
  }
  return kernel.openAt(parent, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

function isOf({ mode }: Stat, type: number): boolean {
  return (mode & S_IFMT) === type;
}

function refused(name: string, { path }: Place, reason: string): RuneError {
  return new RuneError({
    code: "PLATFORM_SERVICE",
    doing: `make the folder \`${path}\``,
    reason: `\`${name}\` ${reason}`,
    hint: "INCLAVARE_PLATFORM and INCLAVARE_PLATFORM_STATE name folders that nobody else has a hand in",
  });
}
