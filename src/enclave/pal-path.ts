// SPDX-License-Identifier: Apache-2.0
/**
 * Opening a PAL. Its path comes from images and pods, and dlopen runs its code as the host's root, so
 * only the node's directories count, and only what nobody but root can have put there:
 * docs/explanation/pal-path.md.
 */
import { RuneError } from "../errors/error.ts";
import {
  ELOOP,
  ENOENT,
  ENOTDIR,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
} from "../kernel/constants.ts";
import { type Fd, type Kernel, type Stat, unlessErrno } from "../kernel/kernel.ts";

export type OpenedPal = {
  /** The very file that was checked, which is what gets loaded. */
  readonly fd: Fd;
  /** Without symbolic links. */
  readonly path: string;
};

/** @throws RuneError PAL_PATH that names the part of the path at fault; ENCLAVE_CONFIG without a path */
export function openPal(kernel: Kernel, path: string, palDirs: readonly string[]): OpenedPal {
  if (path === "") {
    throw new RuneError({
      code: "ENCLAVE_CONFIG",
      doing: "config `enclave.runtime.path` or `ENCLAVE_RUNTIME_PATH`",
      reason: "an enclave type needs the path of an enclave runtime's PAL",
    });
  }
  if (!path.startsWith("/") || path.split("/").includes("..")) {
    throw refusal(path, "it is not an absolute path without `..`");
  }
  const canonical = canonicalPath(kernel, path, palDirs);
  const allowed = palDirs.map((dir) => unlessErrno(() => resolve(kernel, dir), ENOENT, ENOTDIR));
  const directory = canonical.slice(0, canonical.lastIndexOf("/"));
  if (!allowed.includes(directory)) {
    throw refusal(path, `\`${directory}\` is none of the node's directories for PALs`, [
      `these are: ${palDirs.join(", ")}`,
      "`[runtime] pal_dirs` in the node's configuration names others",
    ]);
  }
  return { fd: openChecked(kernel, canonical, path), path: canonical };
}

function canonicalPath(kernel: Kernel, path: string, palDirs: readonly string[]): string {
  try {
    return resolve(kernel, path);
  } catch (error) {
    const { errno, message } = RuneError.from(error, `open \`${path}\``);
    switch (errno) {
      case ENOENT:
      case ENOTDIR:
        throw refusal(path, "no such file on the host", [
          "an enclave runtime is installed on the node, not in the image",
          `it may be in ${palDirs.join(", ")}`,
        ]);
      case ELOOP:
        throw refusal(path, "it leads through a magic link of /proc, or its links go in a circle");
      default:
        throw refusal(path, message);
    }
  }
}

/**
 * Where a path leads, as the kernel resolved it. Not the proof of anything: openChecked walks the
 * result again without following a link, so what changes meanwhile is refused there. Magic links are
 * not followed: /proc/PID/root/usr/lib/x.so of a container would read as the host's /usr/lib/x.so.
 */
function resolve(kernel: Kernel, path: string): string {
  const fd = kernel.openWithoutMagicLinks(path, O_PATH);
  try {
    return kernel.readlink(`/proc/self/fd/${fd}`);
  } finally {
    kernel.close(fd);
  }
}

/** Walks from the root by descriptor, every step without links and checked before the next. */
function openChecked(kernel: Kernel, canonical: string, given: string): Fd {
  const names = canonical.split("/").filter(Boolean);
  let at = kernel.open("/", O_PATH | O_DIRECTORY);
  let walked = "";
  try {
    for (const name of names.slice(0, -1)) {
      checkOwner(kernel.fstat(at), walked || "/", given);
      const next = kernel.openAt(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
      kernel.close(at);
      at = next;
      walked += `/${name}`;
    }
    checkOwner(kernel.fstat(at), walked || "/", given);
    return openFile(kernel, at, names.at(-1) ?? "", canonical, given);
  } catch (error) {
    if (error instanceof RuneError && error.code === "SYSCALL") {
      throw refusal(given, `it changed while it was looked at: ${error.message}`);
    }
    throw error;
  } finally {
    kernel.close(at);
  }
}

function openFile(kernel: Kernel, at: Fd, name: string, canonical: string, given: string): Fd {
  // Looked at before it is opened: opening a fifo would block, opening a device may do anything.
  const path = kernel.openAt(at, name, O_PATH | O_NOFOLLOW);
  try {
    const looked = kernel.fstat(path);
    if ((looked.mode & S_IFMT) !== S_IFREG) {
      throw refusal(given, `\`${canonical}\` is not a regular file`);
    }
    checkOwner(looked, canonical, given);
    const fd = kernel.open(`/proc/self/fd/${path}`, O_RDONLY);
    const opened = kernel.fstat(fd);
    if (opened.device === looked.device && opened.inode === looked.inode) return fd;
    kernel.close(fd);
    throw refusal(given, "it changed while it was looked at");
  } finally {
    kernel.close(path);
  }
}

/** The sticky bit of a directory that others may write is no help: they may put the file there. */
function checkOwner({ uid, mode }: Stat, path: string, given: string): void {
  const what = (mode & S_IFMT) === S_IFDIR ? "directory" : "file";
  const why = "its code runs as the host's root before it is in the container";
  if (uid !== 0) {
    throw refusal(given, `${what} \`${path}\` belongs to uid ${uid}, not to root`, [why]);
  }
  if ((mode & 0o022) === 0) return;
  throw refusal(given, `${what} \`${path}\` may be written by others than root`, [
    `${why}: \`chmod go-w ${path}\``,
  ]);
}

function refusal(path: string, reason: string, hint: readonly string[] = []): RuneError {
  return new RuneError({
    code: "PAL_PATH",
    doing: `load PAL \`${path}\``,
    reason,
    ...(hint.length === 0 ? {} : { hint: hint.join("; ") }),
  });
}
