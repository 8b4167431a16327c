// SPDX-License-Identifier: Apache-2.0
/**
 * The kernel as the rest of `rune` sees it: the one seam through which system calls go. `linux.ts`
 * is the real one, `recording.ts` a fake whose recorded sequence tests look at.
 *
 * Every method throws a RuneError (SYSCALL, with `errno`) when its call fails. All descriptors are
 * close-on-exec unless {@link Kernel.setInherited} says otherwise.
 */
import { RuneError } from "../errors/error.ts";

declare const fdBrand: unique symbol;
declare const pidBrand: unique symbol;

/** An open file descriptor of this process. */
export type Fd = number & { readonly [fdBrand]: true };
/** A process id in this process's pid namespace. */
export type Pid = number & { readonly [pidBrand]: true };

/** What stat(2) tells, as far as it is used. */
export type Stat = {
  readonly device: bigint;
  readonly inode: bigint;
  readonly links: number;
  /** Type and permissions, S_IF* and 07777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  /** When the content last changed, seconds since the epoch. */
  readonly modified: number;
  /** Of a device node. */
  readonly major: number;
  readonly minor: number;
};

export type DirectoryEntry = { readonly name: string; readonly isDirectory: boolean };

/** An eBPF program on a cgroup, opened. */
export type AttachedProgram = { readonly program: Fd; readonly name: string };

/** A descriptor to wait for: that it can be read, or that the file of the kernel's behind it has changed. */
export type Awaited = { readonly fd: Fd; readonly change: boolean };

/** What a new process is started from. */
export type Program = {
  /** A path, which may be /proc/self/fd/N of a sealed memfd. */
  readonly path: string;
  readonly argv: readonly string[];
  readonly env: readonly string[];
};

export interface Kernel {
  open(path: string, flags: number, mode?: number): Fd;
  openAt(directory: Fd, path: string, flags: number, mode?: number): Fd;
  /** Follows symbolic links, but fails with ELOOP at a magic one, such as /proc/PID/root. */
  openWithoutMagicLinks(path: string, flags: number): Fd;
  close(fd: Fd): void;
  /** At most `maxBytes`; empty at end of file. */
  read(fd: Fd, maxBytes: number): Uint8Array;
  /** Writes everything. */
  write(fd: Fd, bytes: Uint8Array): void;
  mkdir(path: string, mode: number): void;
  rmdir(path: string): void;
  rmdirAt(directory: Fd, name: string): void;
  unlink(path: string): void;
  rename(from: string, to: string): void;
  mkfifo(path: string, mode: number): void;
  chmod(path: string, mode: number): void;
  chown(path: string, uid: number, gid: number): void;
  stat(path: string): Stat;
  lstat(path: string): Stat;
  fstat(fd: Fd): Stat;
  readlink(path: string): string;
  /** The entries of a directory without "." and "..", in the kernel's order. */
  list(path: string): DirectoryEntry[];
  /** As {@link Kernel.list}, once for each open directory: reading goes on where it has stopped. */
  listAt(directory: Fd): DirectoryEntry[];
  chdir(path: string): void;
  umask(mask: number): number;

  /** An empty memfd that cannot be executed and can be sealed. */
  memfd(name: string): Fd;
  /** Seals a memfd against any further change. */
  seal(memfd: Fd): void;
  /** A sealed, executable copy of a file, or a descriptor on a read-only mount of it. */
  sealedCopy(path: string, name: string): Fd;
  /** An AF_UNIX SOCK_SEQPACKET pair. */
  packetPair(): [Fd, Fd];
  /** An AF_UNIX SOCK_STREAM pair. */
  streamPair(): [Fd, Fd];
  connectUnix(path: string): Fd;
  listenUnix(path: string, backlog: number): Fd;
  /** An AF_UNIX SOCK_DGRAM socket, bound; `read` takes one datagram. */
  bindDatagram(path: string): Fd;
  /** An AF_UNIX SOCK_DGRAM socket, connected; `write` sends one datagram. */
  connectDatagram(path: string): Fd;
  /** A socket of rtnetlink(7), in this network namespace or an open one; `read` takes one packet. */
  routeSocket(namespace?: Fd): Fd;
  /** Sends bytes and, with the first of them, a descriptor over a stream socket (SCM_RIGHTS). */
  sendDescriptor(socket: Fd, bytes: Uint8Array, fd: Fd): void;
  /** True when the descriptor is readable or at its end within the time; -1 waits for ever. */
  waitReadable(fd: Fd, timeoutMs: number): boolean;
  /** An eventfd(2) whose count is 0. */
  eventFd(): Fd;
  /** Waits until one of them is ready or the time is up; those that are. -1 waits for ever. */
  waitAny(awaited: readonly Awaited[], timeoutMs: number): Fd[];
  /** Whether the descriptor survives execve. */
  setInherited(fd: Fd, inherited: boolean): void;
  /** CLONE_NEW* of an open namespace; undefined for anything else (ioctl_ns(2)). */
  namespaceType(fd: Fd): number | undefined;
  /** Waits for the exclusive advisory lock of the open file. */
  lock(fd: Fd): void;

  /** Loads an eBPF program of type CGROUP_DEVICE; an error tells what the verifier said. */
  loadDeviceProgram(name: string, instructions: Uint8Array): Fd;
  /** The programs that decide on the devices of just this version 2 cgroup. */
  devicePrograms(cgroup: Fd): AttachedProgram[];
  /** Adds one to them, or puts it in the place of another in one step. */
  attachDeviceProgram(cgroup: Fd, program: Fd, replaced?: Fd): void;

  /** Starts a program; nobody waits for it here. Its descriptors are the inherited ones. */
  spawn(program: Program): Pid;
  /**
   * Becomes another program: rejects when that fails, and otherwise never settles, so that nothing of
   * the caller's runs behind it.
   */
  execute(program: Program): Promise<never>;
  /** Gives every signal its default disposition, before {@link Kernel.execute}. */
  resetSignals(): void;
  kill(pid: Pid, signal: number): void;
  /** Waits for a child of ours that is about to end. */
  reap(pid: Pid): void;
  /** Takes children that have ended off the process table; true when there is none left to wait for. */
  reapChildren(): boolean;
  pidfd(pid: Pid): Fd;
  pidfdSignal(pidfd: Fd, signal: number): void;
  /** A duplicate of another process's descriptor: pidfd_getfd(2). */
  pidfdGetFd(pidfd: Fd, number: number): Fd;

  pid(): Pid;
  euid(): number;
  egid(): number;
  nowMs(): number;
  sleepMs(ms: number): void;
}

/** Reads a whole file of at most `maxBytes`; a longer one is an error, never cut. */
export function readFile(
  kernel: Kernel,
  path: string,
  maxBytes: number,
  flags = 0 /* O_RDONLY */,
): Uint8Array {
  const fd = kernel.open(path, flags);
  try {
    return readToEnd(kernel, fd, path, maxBytes);
  } finally {
    kernel.close(fd);
  }
}

/** Reads from a descriptor to its end. */
export function readToEnd(kernel: Kernel, fd: Fd, name: string, maxBytes: number): Uint8Array {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for (;;) {
    const chunk = kernel.read(fd, Math.min(65536, maxBytes + 1 - total));
    if (chunk.length === 0) break;
    chunks.push(chunk);
    total += chunk.length;
    if (total > maxBytes) {
      const reason = `larger than ${maxBytes} bytes`;
      throw new RuneError({ code: "SYSCALL", doing: `read \`${name}\``, reason });
    }
  }
  const [first] = chunks;
  if (chunks.length === 1 && first !== undefined) return first;
  const whole = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** The whole file as text, for files of the kernel and our own. */
export function readText(kernel: Kernel, path: string, maxBytes = 1 << 20): string {
  return new TextDecoder().decode(readFile(kernel, path, maxBytes));
}

/** Writes a file in place; it must exist unless `flags` say O_CREAT. */
export function writeFile(kernel: Kernel, path: string, text: string): void {
  const fd = kernel.open(path, 1 /* O_WRONLY */);
  try {
    kernel.write(fd, new TextEncoder().encode(text));
  } catch (error) {
    throw RuneError.from(error, `write \`${path}\``).within(`write \`${text}\` to \`${path}\``);
  } finally {
    kernel.close(fd);
  }
}

/** Runs `attempt`; undefined when it fails with one of the error numbers. */
export function unlessErrno<T>(attempt: () => T, ...errnos: number[]): T | undefined {
  try {
    return attempt();
  } catch (error) {
    if (error instanceof RuneError && error.errno !== undefined && errnos.includes(error.errno)) {
      return undefined;
    }
    throw error;
  }
}
