// SPDX-License-Identifier: Apache-2.0
/**
 * The real kernel, through libc's `syscall` and `posix_spawn`. A foreign function interface rather
 * than node:fs: it costs a third of the start-up time (docs/explanation/start-cost.md), blocks the way C
 * does, and never changes the flags of a descriptor it shares with the caller.
 */
import { dlopen, FFIType, ptr, read as readMemory } from "bun:ffi";
import { RuneError } from "../errors/error.ts";
import { bpfCalls } from "./bpf.ts";
import * as c from "./constants.ts";
import { errnoText } from "./errno.ts";
import {
  type DirectoryEntry,
  type Fd,
  type Kernel,
  type Pid,
  type Program,
  type Stat,
  unlessErrno,
} from "./kernel.ts";
import { pollCalls } from "./poll.ts";

const integer = FFIType.i64;
const { symbols: libc } = dlopen("libc.so.6", {
  syscall: {
    args: [integer, integer, integer, integer, integer, integer, integer],
    returns: FFIType.i64_fast,
  },
  posix_spawn: { args: ["ptr", "ptr", "ptr", "ptr", "ptr", "ptr"], returns: "i32" },
  __errno_location: { args: [], returns: "ptr" },
});

const errnoAt = libc.__errno_location();
const encoder = new TextEncoder();
const decoder = new TextDecoder();
/** A call's strings and structures are laid out here: its address is fixed, unlike that of small arrays. */
let scratch = new Uint8Array(64 << 10);
let scratchAt = ptr(scratch);
let used = 0;

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
  sendDescriptor,
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

/** The raw result of a system call: -errno on failure. Arguments point into scratch or are numbers. */
function raw(number: number, a = 0, b = 0, c2 = 0, d = 0, e = 0, f = 0): number {
  used = 0;
  const result = Number(libc.syscall(number, a, b, c2, d, e, f));
  // Nothing runs on this thread between the call and this read that could make another call.
  return result === -1 && errnoAt !== null ? -readMemory.i32(errnoAt, 0) : result;
}

function call(doing: () => string, number: number, ...args: number[]): number {
  const result = raw(number, ...args);
  if (result < 0) throw failure(doing(), -result);
  return result;
}

function failure(doing: string, errno: number): RuneError {
  return new RuneError({ code: "SYSCALL", doing, reason: errnoText(errno), errno });
}

/** Puts bytes into scratch and returns their address; valid until the next call. */
function place(bytes: Uint8Array | number): number {
  const size = typeof bytes === "number" ? bytes : bytes.length;
  const start = (used + 7) & ~7;
  if (start + size > scratch.length) {
    throw new RuneError({ code: "SYSCALL", doing: "prepare a system call", reason: "too long" });
  }
  if (typeof bytes === "number") scratch.fill(0, start, start + size);
  else scratch.set(bytes, start);
  used = start + size;
  return scratchAt + start;
}

/** A NUL-terminated string in scratch. */
function text(value: string): number {
  if (value.includes("\0")) {
    throw new RuneError({ code: "SYSCALL", doing: `use \`${value}\``, reason: "contains NUL" });
  }
  return place(encoder.encode(`${value}\0`));
}

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
  const view = new DataView(scratch.buffer, how - scratchAt, 24);
  view.setBigUint64(0, BigInt(flags | c.O_CLOEXEC), true);
  view.setBigUint64(16, BigInt(RESOLVE_NO_MAGICLINKS), true);
  const doing = () => `open \`${path}\``;
  return call(doing, c.sys.openat2, c.AT_FDCWD, name, how, 24) as Fd;
}

function read(fd: Fd, maxBytes: number): Uint8Array {
  // Large enough that the array is not one of those small ones that the collector may move.
  const buffer = new Uint8Array(Math.max(maxBytes, 4096));
  for (;;) {
    const count = raw(c.sys.read, fd, ptr(buffer), maxBytes);
    if (count === -c.EINTR) continue;
    if (count < 0) throw failure("read", -count);
    return buffer.subarray(0, count);
  }
}

function write(fd: Fd, bytes: Uint8Array): void {
  let at = 0;
  do {
    const count = raw(c.sys.write, fd, bytes.length > 0 ? ptr(bytes, at) : 0, bytes.length - at);
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
  const view = new DataView(scratch.buffer, address - scratchAt, 144);
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
  return decoder.decode(scratch.subarray(address - scratchAt, address - scratchAt + size));
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
    const size = call(doing, c.sys.getdents64, directory, ptr(buffer), buffer.length);
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
  scratch[attributes - scratchAt] = 1; // MOUNT_ATTR_RDONLY
  call(doing, c.sys.mount_setattr, tree, empty, c.AT_EMPTY_PATH, attributes, 32);
  return tree as Fd;
}

function socketPair(type: number): [Fd, Fd] {
  const address = place(8);
  call(() => "socketpair", c.sys.socketpair, 1 /* AF_UNIX */, type | c.O_CLOEXEC, 0, address);
  const view = new DataView(scratch.buffer, address - scratchAt, 8);
  return [view.getInt32(0, true) as Fd, view.getInt32(4, true) as Fd];
}

/**
 * struct sockaddr_un: family u16@0, path@2, at most 108 bytes with its NUL. A name that begins with NUL
 * is abstract, and its length is the address's (unix(7)).
 */
function unixSocket(
  path: string,
  use: (fd: Fd, address: number, size: number) => void,
  type = 1 /* SOCK_STREAM */,
): Fd {
  const name = encoder.encode(path);
  const abstract = name[0] === 0;
  if (name.length > 107 || name.subarray(1).includes(0))
    throw failure(`use socket \`${path}\``, c.ENAMETOOLONG);
  const fd = call(() => "socket", c.sys.socket, 1, type | c.O_CLOEXEC, 0) as Fd;
  try {
    // `use` may make several calls: the address lives outside scratch.
    const address = new Uint8Array(4096);
    address[0] = 1;
    address.set(name, 2);
    use(fd, ptr(address), name.length + (abstract ? 2 : 3));
    return fd;
  } catch (error) {
    linux.close(fd);
    throw error;
  }
}

/**
 * struct msghdr of x86-64: iov u64@16, iovlen u64@24, control u64@32, controllen u64@40, 56 bytes; struct
 * iovec: base u64@0, length u64@8; struct cmsghdr: length u64@0, level i32@8, type i32@12, data@16.
 */
function sendDescriptor(socket: Fd, bytes: Uint8Array, fd: Fd): void {
  const [headerAt, vectorAt, controlAt] = [0, 56, 72];
  const message = new Uint8Array(4096 + bytes.length); // too large for the collector to move
  message.set(bytes, 4096);
  const at = BigInt(ptr(message));
  const view = new DataView(message.buffer);
  view.setBigUint64(headerAt + 16, at + BigInt(vectorAt), true);
  view.setBigUint64(headerAt + 24, 1n, true);
  view.setBigUint64(headerAt + 32, at + BigInt(controlAt), true);
  view.setBigUint64(headerAt + 40, 24n, true);
  view.setBigUint64(vectorAt, at + 4096n, true);
  view.setBigUint64(vectorAt + 8, BigInt(bytes.length), true);
  view.setBigUint64(controlAt, 20n, true);
  view.setInt32(controlAt + 8, 1 /* SOL_SOCKET */, true);
  view.setInt32(controlAt + 12, 1 /* SCM_RIGHTS */, true);
  view.setInt32(controlAt + 16, fd, true);
  const MSG_NOSIGNAL = 0x4000;
  const doing = () => "send a descriptor";
  const sent = call(doing, c.sys.sendmsg, socket, ptr(message), MSG_NOSIGNAL);
  if (sent < bytes.length) write(socket, bytes.subarray(sent));
}

function waitReadable(fd: Fd, timeoutMs: number): boolean {
  return pollOne(fd, c.POLLIN, timeoutMs);
}

/** struct pollfd: fd i32@0, events u16@4, revents u16@6. */
function pollOne(fd: Fd, events: number, timeoutMs: number): boolean {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const address = place(8);
    const view = new DataView(scratch.buffer, address - scratchAt, 8);
    view.setInt32(0, fd, true);
    view.setUint16(4, events, true);
    const left = timeoutMs < 0 ? -1 : Math.max(0, Math.ceil(deadline - performance.now()));
    const result = raw(c.sys.poll, address, 1, left);
    if (result !== -c.EINTR) return result > 0;
  }
}

function reap(pid: Pid): void {
  for (;;) {
    const result = raw(c.sys.wait4, pid, 0, 0, 0);
    if (result === -c.EINTR) continue;
    if (result < 0 && result !== -c.ECHILD) throw failure("wait for a process", -result);
    return;
  }
}

function reapChildren(): boolean {
  const WNOHANG = 1;
  for (;;) {
    const pid = raw(c.sys.wait4, -1, 0, WNOHANG, 0);
    if (pid === -c.ECHILD) return true;
    if (pid === 0) return false;
    if (pid < 0 && pid !== -c.EINTR) throw failure("wait for a process", -pid);
  }
}

/** argv or envp: the strings, then the NULL-terminated array of their addresses. */
function stringArray(strings: readonly string[]): number {
  const addresses = strings.map(text);
  const array = place(8 * (addresses.length + 1));
  const view = new DataView(scratch.buffer, array - scratchAt);
  addresses.forEach((address, index) => {
    view.setBigUint64(8 * index, BigInt(address), true);
  });
  return array;
}

function layProgram({ path, argv, env }: Program): [number, number, number] {
  const size = [path, ...argv, ...env].reduce((sum, s) => sum + 3 * s.length + 24, 4096);
  if (size > scratch.length) {
    scratch = new Uint8Array(size);
    scratchAt = ptr(scratch);
  }
  used = 0;
  return [text(path), stringArray(argv), stringArray(env)];
}

function spawn(program: Program): Pid {
  const [path, argv, env] = layProgram(program);
  const pid = place(8);
  const address = (value: number) => value as Parameters<typeof libc.posix_spawn>[0]; // a plain number is what bun:ffi takes as a pointer
  const errno = libc.posix_spawn(
    address(pid),
    address(path),
    null,
    null,
    address(argv),
    address(env),
  );
  if (errno !== 0) throw failure(`start \`${program.argv[0] ?? program.path}\``, errno);
  return new DataView(scratch.buffer, pid - scratchAt, 4).getInt32(0, true) as Pid;
}

function execute(program: Program): never {
  const [path, argv, env] = layProgram(program);
  const errno = -raw(c.sys.execve, path, argv, env);
  throw failure(`execute \`${program.argv[0] ?? program.path}\``, errno);
}
