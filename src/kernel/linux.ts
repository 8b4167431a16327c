// SPDX-License-Identifier: Apache-2.0
/** The real kernel: files here, sockets and processes in files of their own. */
import { bpfCalls } from "./bpf.ts";
import * as c from "./constants.ts";
import {
  type DirectoryEntry,
  type Fd,
  type Kernel,
  type Pid,
  type Stat,
  unlessErrno,
} from "./kernel.ts";
import { addressIn, call, failure, place, placed, raw, text } from "./libc.ts";
import { execute, reap, reapChildren, spawn } from "./linux-processes.ts";
import {
  pollOne,
  receiveDescriptors,
  routeSocket,
  sendDescriptor,
  socketPair,
  unixSocket,
} from "./linux-sockets.ts";
import { pollCalls } from "./poll.ts";

const decoder = new TextDecoder();

/** The running kernel. */
export const linux: Kernel = {
  open: (path, flags, mode = 0) => openAt(c.AT_FDCWD, path, flags, mode, () => `open \`${path}\``),
  openAt: (directory, path, flags, mode = 0) =>
    openAt(directory, path, flags, mode, () => `open \`${path}\``),
  openWithoutMagicLinks,
  close: (fd) => void raw(c.sys.close, fd),
  read,
  write,
  mkdir: (path, mode) => pathCall(c.sys.mkdirat, "mkdir", path, c.AT_FDCWD, mode),
  rmdir: (path) => {
    call(() => `remove \`${path}\``, c.sys.rmdir, text(path));
  },
  rmdirAt: (directory, name) => {
    const AT_REMOVEDIR = 0x200;
    call(() => `remove \`${name}\``, c.sys.unlinkat, directory, text(name), AT_REMOVEDIR);
  },
  unlink: (path) => {
    call(() => `remove \`${path}\``, c.sys.unlink, text(path));
  },
  rename: (from, to) => {
    call(() => `rename \`${from}\` to \`${to}\``, c.sys.rename, text(from), text(to));
  },
  mkfifo: (path, mode) => {
    call(() => `make fifo \`${path}\``, c.sys.mknod, text(path), c.S_IFIFO | mode, 0);
  },
  chmod: (path, mode) => pathCall(c.sys.fchmodat, "chmod", path, c.AT_FDCWD, mode),
  chown: (path, uid, gid) => {
    call(() => `chown \`${path}\``, c.sys.fchownat, c.AT_FDCWD, text(path), uid, gid, 0);
  },
  stat: (path) => statAt(c.AT_FDCWD, path, 0),
  lstat: (path) => statAt(c.AT_FDCWD, path, c.AT_SYMLINK_NOFOLLOW),
  fstat: (fd) => statAt(fd, "", c.AT_EMPTY_PATH),
  readlink,
  list,
  listAt: (directory) => entriesOf(directory, () => "list a directory"),
  chdir: (path) => {
    call(() => `enter \`${path}\``, c.sys.chdir, text(path));
  },
  umask: (mask) => raw(c.sys.umask, mask),
  memfd: (name) => memfd(name, false),
  seal,
  sealedCopy,
  packetPair: () => socketPair(5 /* SOCK_SEQPACKET */),
  streamPair: () => socketPair(1 /* SOCK_STREAM */),
  connectUnix: (path) =>
    unixSocket(path, (fd, address, size) => {
      call(() => `connect to \`${path}\``, c.sys.connect, fd, address, size);
    }),
  listenUnix: (path, backlog) =>
    unixSocket(path, (fd, address, size) => {
      call(() => `bind \`${path}\``, c.sys.bind, fd, address, size);
      call(() => `listen on \`${path}\``, c.sys.listen, fd, backlog);
    }),
  bindDatagram: (path) =>
    unixSocket(
      path,
      (fd, address, size) => {
        call(() => `bind \`${path}\``, c.sys.bind, fd, address, size);
      },
      2 /* SOCK_DGRAM */,
    ),
  connectDatagram: (path) =>
    unixSocket(
      path,
      (fd, address, size) => {
        call(() => `connect to \`${path}\``, c.sys.connect, fd, address, size);
      },
      2 /* SOCK_DGRAM */,
    ),
  routeSocket,
  sendDescriptor: (socket, bytes, fd) => {
    const sent = sendDescriptor(socket, bytes, fd);
    if (sent < bytes.length) write(socket, bytes.subarray(sent));
  },
  receiveDescriptors,
  waitReadable,
  ...pollCalls(raw, call),
  setInherited: (fd, inherited) => {
    call(() => "fcntl", c.sys.fcntl, fd, 2 /* F_SETFD */, inherited ? 0 : 1);
  },
  ...bpfCalls((doing, command, attribute, size) =>
    call(doing, c.sys.bpf, command, attribute, size),
  ),
  namespaceType: (fd) =>
    unlessErrno(() => call(() => "ioctl", c.sys.ioctl, fd, 0xb703 /* NS_GET_NSTYPE */), c.ENOTTY),
  lock: (fd) => {
    call(() => "flock", c.sys.flock, fd, 2 /* LOCK_EX */);
  },
  spawn,
  execute,
  resetSignals: () => {
    // struct kernel_sigaction of x86-64: handler, flags, restorer, mask; all zero is SIG_DFL.
    for (let signal = 1; signal <= 64; signal++) raw(c.sys.rt_sigaction, signal, place(32), 0, 8);
  },
  kill: (pid, signal) => {
    call(() => `signal process ${pid}`, c.sys.kill, pid, signal);
  },
  reap,
  reapChildren,
  pidfd: (pid) => call(() => `open process ${pid}`, c.sys.pidfd_open, pid, 0) as Fd,
  pidfdSignal: (pidfd, signal) => {
    call(() => "signal the process", c.sys.pidfd_send_signal, pidfd, signal, 0, 0);
  },
  pidfdGetFd: (pidfd, number) =>
    call(
      () => `take descriptor ${number} of the process`,
      c.sys.pidfd_getfd,
      pidfd,
      number,
      0,
    ) as Fd,
  pid: () => raw(c.sys.getpid) as Pid,
  euid: () => raw(c.sys.geteuid),
  egid: () => raw(c.sys.getegid),
  nowMs: () => performance.now(),
  sleepMs: (ms) => Bun.sleepSync(ms),
};

function pathCall(number: number, verb: string, path: string, at: number, mode: number): void {
  call(() => `${verb} \`${path}\``, number, at, text(path), mode);
}

function openAt(at: number, path: string, flags: number, mode: number, doing: () => string): Fd {
  return call(doing, c.sys.openat, at, text(path), flags | c.O_CLOEXEC, mode) as Fd;
}

/** struct open_how: flags u64@0 mode u64@8 resolve u64@16. */
function openWithoutMagicLinks(path: string, flags: number): Fd {
  const RESOLVE_NO_MAGICLINKS = 2;
  const name = text(path);
  const how = place(24);
  const view = placed(how, 24);
  view.setBigUint64(0, BigInt(flags | c.O_CLOEXEC), true);
  view.setBigUint64(16, BigInt(RESOLVE_NO_MAGICLINKS), true);
  const doing = () => `open \`${path}\``;
  return call(doing, c.sys.openat2, c.AT_FDCWD, name, how, 24) as Fd;
}

function read(fd: Fd, maxBytes: number): Uint8Array {
  // Large enough that the array is not one of those small ones that the collector may move.
  const buffer = new Uint8Array(Math.max(maxBytes, 4096));
  for (;;) {
    const count = raw(c.sys.read, fd, addressIn(buffer), maxBytes);
    if (count === -c.EINTR) continue;
    if (count < 0) throw failure("read", -count);
    return buffer.subarray(0, count);
  }
}

function write(fd: Fd, bytes: Uint8Array): void {
  let at = 0;
  do {
    const count = raw(
      c.sys.write,
      fd,
      bytes.length > 0 ? addressIn(bytes, at) : 0,
      bytes.length - at,
    );
    if (count === -c.EINTR) continue;
    if (count === -c.EAGAIN) {
      pollOne(fd, 4 /* POLLOUT */, -1);
      continue;
    }
    if (count < 0) throw failure("write", -count);
    at += count;
  } while (at < bytes.length);
}

/**
 * struct stat of x86-64: dev@0 ino@8 nlink@16 mode@24 uid@28 gid@32 rdev@40 size@48
 * mtime@88 (seconds, nanoseconds), 144 bytes.
 */
function statAt(at: number, path: string, flags: number): Stat {
  const name = text(path);
  const address = place(144);
  call(() => `stat \`${path}\``, c.sys.newfstatat, at, name, address, flags);
  const view = placed(address, 144);
  const rdev = view.getBigUint64(40, true);
  return {
    device: view.getBigUint64(0, true),
    inode: view.getBigUint64(8, true),
    links: Number(view.getBigUint64(16, true)),
    mode: view.getUint32(24, true),
    uid: view.getUint32(28, true),
    gid: view.getUint32(32, true),
    sizeBytes: Number(view.getBigUint64(48, true)),
    modified: Number(view.getBigInt64(88, true)) + Number(view.getBigInt64(96, true)) / 1e9,
    // include/linux/kdev_t.h, new_encode_dev as glibc widens it
    major: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n)),
    minor: Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n)),
  };
}

function readlink(path: string): string {
  const name = text(path);
  const address = place(4096);
  const size = call(() => `readlink \`${path}\``, c.sys.readlink, name, address, 4096);
  return decoder.decode(placed(address, size));
}

function list(path: string): DirectoryEntry[] {
  const fd = linux.open(path, c.O_RDONLY | c.O_DIRECTORY);
  try {
    return entriesOf(fd, () => `list \`${path}\``);
  } finally {
    linux.close(fd);
  }
}

/** struct linux_dirent64: ino@0 off@8 reclen u16@16 type u8@18 name@19. */
function entriesOf(directory: Fd, doing: () => string): DirectoryEntry[] {
  const entries: DirectoryEntry[] = [];
  const buffer = new Uint8Array(32768);
  for (;;) {
    const size = call(doing, c.sys.getdents64, directory, addressIn(buffer), buffer.length);
    if (size === 0) return entries;
    for (let at = 0; at < size; ) {
      const length = (buffer[at + 16] ?? 0) | ((buffer[at + 17] ?? 0) << 8);
      const name = decoder.decode(buffer.subarray(at + 19, buffer.indexOf(0, at + 19)));
      if (name !== "." && name !== "..") {
        entries.push({ name, isDirectory: isDirectory(directory, name, buffer[at + 18]) });
      }
      at += length;
    }
  }
}

/** Some file systems do not say what an entry is (DT_UNKNOWN: readdir(3)): then it is asked for. */
function isDirectory(directory: Fd, name: string, type: number | undefined): boolean {
  if (type !== 0 /* DT_UNKNOWN */) return type === 4 /* DT_DIR */;
  // An entry that is gone meanwhile is none.
  const found = unlessErrno(() => statAt(directory, name, c.AT_SYMLINK_NOFOLLOW), c.ENOENT);
  return found !== undefined && (found.mode & c.S_IFMT) === c.S_IFDIR;
}

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const MFD_NOEXEC_SEAL = 8;
const MFD_EXEC = 16;
const F_ADD_SEALS = 1033;
const ALL_SEALS = 0xf; // seal, shrink, grow, write

/** Kernels before 6.3 know no MFD_EXEC and make every memfd executable. */
function memfd(name: string, executable: boolean): Fd {
  const flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  const wanted = flags | (executable ? MFD_EXEC : MFD_NOEXEC_SEAL);
  const result = raw(c.sys.memfd_create, text(name), wanted);
  if (result !== -c.EINVAL) return result < 0 ? fail("memfd_create", -result) : (result as Fd);
  return call(() => "memfd_create", c.sys.memfd_create, text(name), flags) as Fd;
}

function fail(doing: string, errno: number): never {
  throw failure(doing, errno);
}

function seal(fd: number): void {
  call(() => "seal a memfd", c.sys.fcntl, fd, F_ADD_SEALS, ALL_SEALS);
}

function sealedCopy(path: string, name: string): Fd {
  const source = linux.open(path, c.O_RDONLY);
  try {
    const created = raw(c.sys.memfd_create, text(name), MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
    // vm.memfd_noexec = 2 refuses executable memfds.
    if (created === -c.EACCES) return readOnlyMount(path);
    const fd = created === -c.EINVAL ? memfd(name, true) : created;
    if (fd < 0) throw failure("memfd_create", -fd);
    let left = linux.fstat(source).sizeBytes;
    while (left > 0) {
      const count = call(() => `copy \`${path}\``, c.sys.sendfile, fd, source, 0, left);
      if (count === 0) break;
      left -= count;
    }
    seal(fd);
    return fd as Fd;
  } finally {
    linux.close(source);
  }
}

/** A descriptor on the file in a detached, read-only mount of it: nobody can write through it. */
function readOnlyMount(path: string): Fd {
  const OPEN_TREE_CLONE = 1;
  const doing = () => `make a read-only mount of \`${path}\``;
  const tree = call(doing, c.sys.open_tree, c.AT_FDCWD, text(path), OPEN_TREE_CLONE | c.O_CLOEXEC);
  // struct mount_attr: attr_set@0 attr_clr@8 propagation@16 userns_fd@24
  const empty = text("");
  const attributes = place(32);
  placed(attributes, 1).setUint8(0, 1 /* MOUNT_ATTR_RDONLY */);
  call(doing, c.sys.mount_setattr, tree, empty, c.AT_EMPTY_PATH, attributes, 32);
  return tree as Fd;
}

function waitReadable(fd: Fd, timeoutMs: number): boolean {
  return pollOne(fd, c.POLLIN, timeoutMs);
}
