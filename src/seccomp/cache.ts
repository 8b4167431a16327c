// SPDX-License-Identifier: Apache-2.0
/**
 * Compiled filters, kept by content in a directory of their own. An entry `<key>` is the SHA-256 of the
 * key and the filter, then the filter. Nothing depends on an entry: one that cannot be read, written
 * or trusted is as good as none.
 */
import { RuneError } from "../errors/error.ts";
import {
  EACCES,
  EEXIST,
  ENOENT,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_WRONLY,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
} from "../kernel/constants.ts";
import { type Fd, type Kernel, readToEnd, type Stat, unlessErrno } from "../kernel/kernel.ts";
import { instructionBytes, programMaxInstructions } from "./bpf.ts";

const hashBytes = 32;
const entryMaxBytes = hashBytes + instructionBytes * programMaxInstructions;
/** Hosts have a handful of profiles; at 10 to 30 KB each this is below a megabyte. */
export const maximumEntries = 32;

/** The filter of a key (a file name), or undefined. */
export function recall(kernel: Kernel, directory: string, key: string): Uint8Array | undefined {
  const filter = recallEntry(kernel, directory, key);
  return filter !== undefined && filter.length % instructionBytes === 0 ? filter : undefined;
}

/** Any entry that is whole and nobody else's. */
export function recallEntry(
  kernel: Kernel,
  directory: string,
  key: string,
): Uint8Array | undefined {
  return withoutFail(() => {
    const held = openOwn(kernel, directory);
    if (held === undefined) return undefined;
    try {
      return readEntry(kernel, held, key);
    } finally {
      kernel.close(held);
    }
  });
}

/** Keeps a filter, and forgets the oldest ones beyond {@link maximumEntries}. */
export function keep(kernel: Kernel, directory: string, key: string, filter: Uint8Array): void {
  keepEntry(kernel, directory, key, filter);
}

/** Any content of up to the size of a filter. */
export function keepEntry(
  kernel: Kernel,
  directory: string,
  key: string,
  content: Uint8Array,
): void {
  withoutFail(() => {
    const parent = directory.slice(0, directory.lastIndexOf("/"));
    unlessErrno(() => kernel.mkdir(parent, 0o711), EEXIST);
    unlessErrno(() => kernel.mkdir(directory, 0o700), EEXIST);
    const held = openOwn(kernel, directory);
    if (held === undefined) return;
    kernel.close(held);
    writeEntry(kernel, directory, key, content);
    evict(kernel, directory);
  });
}

/** Opens the directory if nobody else can put anything there. */
function openOwn(kernel: Kernel, directory: string): Fd | undefined {
  const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
  const fd = unlessErrno(() => kernel.open(directory, flags), ENOENT, EACCES);
  if (fd === undefined) return undefined;
  if (isOwn(kernel, kernel.fstat(fd), S_IFDIR)) return fd;
  kernel.close(fd);
  return undefined;
}

function isOwn(kernel: Kernel, { mode, uid }: Stat, type: number): boolean {
  return (mode & S_IFMT) === type && (mode & 0o077) === 0 && uid === kernel.euid();
}

function readEntry(kernel: Kernel, directory: Fd, key: string): Uint8Array | undefined {
  const fd = unlessErrno(() => kernel.openAt(directory, key, O_RDONLY | O_NOFOLLOW), ENOENT);
  if (fd === undefined) return undefined;
  try {
    if (!isOwn(kernel, kernel.fstat(fd), S_IFREG)) return undefined;
    const entry = readToEnd(kernel, fd, key, entryMaxBytes);
    const content = entry.subarray(hashBytes);
    const isWhole = content.length > 0;
    return isWhole && equal(entry.subarray(0, hashBytes), seal(key, content)) ? content : undefined;
  } finally {
    kernel.close(fd);
  }
}

/** Under a name of its own first: a reader sees all of an entry or none. */
function writeEntry(kernel: Kernel, directory: string, key: string, filter: Uint8Array): void {
  const temporary = `${directory}/${key}.${kernel.pid()}`;
  const fd = kernel.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    const entry = new Uint8Array(hashBytes + filter.length);
    entry.set(seal(key, filter));
    entry.set(filter, hashBytes);
    kernel.write(fd, entry);
  } finally {
    kernel.close(fd);
  }
  kernel.rename(temporary, `${directory}/${key}`);
}

/** What a crash left under a temporary name is forgotten like everything else. */
function evict(kernel: Kernel, directory: string): void {
  const names = kernel.list(directory).map(({ name }) => name);
  if (names.length <= maximumEntries) return;
  const aged = names
    .map((name) => `${directory}/${name}`)
    .map((path) => ({
      path,
      modified: unlessErrno(() => kernel.lstat(path), ENOENT)?.modified ?? 0,
    }))
    .sort((a, b) => a.modified - b.modified);
  for (const { path } of aged.slice(0, names.length - maximumEntries)) {
    unlessErrno(() => kernel.unlink(path), ENOENT);
  }
}

function seal(key: string, filter: Uint8Array): Uint8Array {
  return new Bun.CryptoHasher("sha256").update(key).update(filter).digest();
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** A full disk, a read-only or foreign directory: then there is no cache. */
function withoutFail<T>(attempt: () => T): T | undefined {
  try {
    return attempt();
  } catch (error) {
    if (error instanceof RuneError && error.code === "SYSCALL") return undefined;
    throw error;
  }
}
