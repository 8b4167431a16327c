// SPDX-License-Identifier: Apache-2.0
/**
 * Configuration files below a root, by descriptor. Of this machine's own links are followed, as its
 * engines do; below another root none is: an image could lead a write out of it.
 */
import { RuneError } from "../errors/error.ts";
import {
  EEXIST,
  ELOOP,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_SYNC,
  O_WRONLY,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
} from "../kernel/constants.ts";
import { type Fd, type Kernel, readFile, unlessErrno } from "../kernel/kernel.ts";
import { engineFault } from "./json-document.ts";

const largestBytes = 1 << 20;

export type ConfigFiles = {
  /** Undefined: no such file. */
  readonly read: (path: string) => string | undefined;
  /**
   * Puts a file in place of what is there, whole or not at all, with the owner and mode of that, or of the
   * file `like` in the same directory; without either it is the caller's, 0644. Returns the directories
   * that it had to make.
   */
  readonly write: (path: string, text: string, like?: string) => readonly string[];
  readonly remove: (path: string) => void;
  /** Where it is empty. */
  readonly removeFolder: (path: string) => void;
};

/** @param root "" for this machine's own */
export function configFiles(kernel: Kernel, root: string): ConfigFiles {
  const place = (path: string) => placeOf(root === "" ? withoutLinks(kernel, path) : path);
  return {
    read: (path) => {
      const { folder, name } = place(path);
      const directory = openFolder(kernel, root, folder);
      if (directory === undefined) return undefined;
      try {
        return readAt(kernel, directory, name, path)?.text;
      } finally {
        kernel.close(directory);
      }
    },
    write: (path, text, like) => {
      const { folder, name } = place(path);
      const made: string[] = [];
      const directory = openFolder(kernel, root, folder, made);
      if (directory === undefined) throw engineFault(path, "its directory cannot be made");
      try {
        // Also where a copy is there already: the original may have been closed to others since.
        const model = like === undefined ? name : place(like).name;
        const owner = readAt(kernel, directory, model, path);
        replace(kernel, directory, name, { text, owner });
        return made;
      } finally {
        kernel.close(directory);
      }
    },
    remove: (path) => {
      const { folder, name } = place(path);
      const directory = openFolder(kernel, root, folder);
      if (directory === undefined) return;
      unlessErrno(() => kernel.unlink(`/proc/self/fd/${directory}/${name}`), ENOENT);
      kernel.close(directory);
    },
    removeFolder: (path) => {
      const { folder, name } = place(path);
      const directory = openFolder(kernel, root, folder);
      if (directory === undefined) return;
      unlessErrno(() => kernel.rmdirAt(directory, name), ENOENT, ENOTEMPTY, ENOTDIR);
      kernel.close(directory);
    },
  };
}

function placeOf(path: string): { folder: string[]; name: string } {
  const names = path.split("/").filter((name) => name !== "");
  // Attack: an image's record of an installation names a copy outside of the image.
  if (names.some((name) => name === "." || name === "..")) {
    throw engineFault(path, "a path of a configuration file has no `.` or `..` in it");
  }
  return { folder: names.slice(0, -1), name: names.at(-1) ?? "" };
}

/** Where the existing part of a path leads; what is missing stays. */
function withoutLinks(kernel: Kernel, path: string): string {
  const names = path.split("/").filter((name) => name !== "");
  for (let length = names.length; length > 0; length--) {
    const prefix = `/${names.slice(0, length).join("/")}`;
    const fd = unlessErrno(() => kernel.openWithoutMagicLinks(prefix, O_PATH), ENOENT, ENOTDIR);
    if (fd === undefined) continue;
    const real = kernel.readlink(`/proc/self/fd/${fd}`);
    kernel.close(fd);
    return [real, ...names.slice(length)].join("/");
  }
  return path;
}

/** Undefined: there is none, and `made` is not given. */
function openFolder(
  kernel: Kernel,
  root: string,
  folder: readonly string[],
  made?: string[],
): Fd | undefined {
  const flags = O_PATH | O_DIRECTORY | O_NOFOLLOW;
  let at = kernel.open(root === "" ? "/" : root, O_PATH | O_DIRECTORY);
  let walked = "";
  for (const name of folder) {
    walked += `/${name}`;
    try {
      let next = unlessErrno(() => kernel.openAt(at, name, flags), ENOENT);
      if (next === undefined && made !== undefined) {
        if (isMade(kernel, `/proc/self/fd/${at}/${name}`)) made.push(walked);
        next = kernel.openAt(at, name, flags);
      }
      if (next === undefined) return undefined;
      kernel.close(at);
      at = next;
    } catch (error) {
      kernel.close(at);
      throw linkFault(error, walked);
    }
  }
  return at;
}

/** False where somebody else has made it meanwhile. */
function isMade(kernel: Kernel, path: string): boolean {
  return (
    unlessErrno(() => {
      kernel.mkdir(path, 0o755);
      return true;
    }, EEXIST) === true
  );
}

function linkFault(error: unknown, path: string): RuneError {
  const cause = RuneError.from(error, `open \`${path}\``);
  if (cause.errno !== ENOTDIR && cause.errno !== ELOOP) return cause;
  return engineFault(
    path,
    "it is a link, or no directory: below another root no link is followed",
    "name the root in which it leads to a file",
  );
}

const notFollowed = { code: "SYSCALL", reason: "it is a link", errno: ELOOP } as const;

type Found = {
  readonly text: string;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
};

function readAt(kernel: Kernel, directory: Fd, name: string, path: string): Found | undefined {
  let fd: Fd | undefined;
  try {
    fd = unlessErrno(() => kernel.openAt(directory, name, O_PATH | O_NOFOLLOW), ENOENT);
  } catch (error) {
    throw linkFault(error, path);
  }
  if (fd === undefined) return undefined;
  try {
    const { mode, uid, gid } = kernel.fstat(fd);
    const isLink = (mode & S_IFMT) === S_IFLNK;
    if (isLink) throw linkFault(new RuneError({ ...notFollowed, doing: `open \`${path}\`` }), path);
    // Before it is opened to be read: opening a device may do anything.
    if ((mode & S_IFMT) !== S_IFREG) throw engineFault(path, "it is no regular file");
    const bytes = readFile(kernel, `/proc/self/fd/${fd}`, largestBytes);
    return { text: decoded(bytes, path), uid, gid, mode: mode & 0o7777 };
  } finally {
    kernel.close(fd);
  }
}

/** Of what is no UTF-8, a copy would not be the same. */
function decoded(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw engineFault(path, "it is no UTF-8 text");
  }
}

type Fresh = { readonly text: string; readonly owner: Found | undefined };

function replace(kernel: Kernel, directory: Fd, name: string, { text, owner }: Fresh): void {
  const fresh = `.${name}.rune-${kernel.pid()}`;
  const at = (entry: string) => `/proc/self/fd/${directory}/${entry}`;
  const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_SYNC;
  const fd = kernel.openAt(directory, fresh, flags, 0o600);
  try {
    kernel.write(fd, new TextEncoder().encode(text));
    if (owner !== undefined) kernel.chown(`/proc/self/fd/${fd}`, owner.uid, owner.gid);
    kernel.chmod(`/proc/self/fd/${fd}`, owner?.mode ?? 0o644);
    kernel.rename(at(fresh), at(name));
  } catch (error) {
    unlessErrno(() => kernel.unlink(at(fresh)), ENOENT);
    throw error;
  } finally {
    kernel.close(fd);
  }
}
