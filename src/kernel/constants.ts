// SPDX-License-Identifier: Apache-2.0
/** Numbers of the Linux x86-64 ABI, as include/uapi of the kernel defines them. */

/** System call numbers, arch/x86/entry/syscalls/syscall_64.tbl. */
export const sys = {
  madvise: 28,
  read: 0,
  write: 1,
  close: 3,
  poll: 7,
  lseek: 8,
  rt_sigaction: 13,
  ioctl: 16,
  sendfile: 40,
  getpid: 39,
  wait4: 61,
  socket: 41,
  connect: 42,
  sendmsg: 46,
  recvmsg: 47,
  bind: 49,
  listen: 50,
  socketpair: 53,
  setsockopt: 54,
  getsockopt: 55,
  execve: 59,
  kill: 62,
  fcntl: 72,
  flock: 73,
  chdir: 80,
  fchdir: 81,
  rename: 82,
  rmdir: 84,
  unlink: 87,
  readlink: 89,
  umask: 95,
  getuid: 102,
  geteuid: 107,
  getegid: 108,
  setsid: 112,
  mknod: 133,
  prctl: 157,
  getdents64: 217,
  setns: 308,
  openat: 257,
  accept4: 288,
  eventfd2: 290,
  dup3: 292,
  pipe2: 293,
  prlimit64: 302,
  mount: 165,
  umount2: 166,
  mkdirat: 258,
  fchownat: 260,
  newfstatat: 262,
  unlinkat: 263,
  fchmodat: 268,
  memfd_create: 319,
  bpf: 321,
  pidfd_send_signal: 424,
  open_tree: 428,
  pidfd_open: 434,
  openat2: 437,
  pidfd_getfd: 438,
  mount_setattr: 442,
} as const;

export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_RDWR = 2;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_TRUNC = 0o1000;
export const O_APPEND = 0o2000;
export const O_NONBLOCK = 0o4000;
export const O_SYNC = 0o4010000;
export const O_DIRECTORY = 0o200000;
export const O_NOFOLLOW = 0o400000;
export const O_CLOEXEC = 0o2000000;
export const O_PATH = 0o10000000;

export const AT_FDCWD = -100;
export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_EMPTY_PATH = 0x1000;

export const S_IFMT = 0o170000;
export const S_IFSOCK = 0o140000;
export const S_IFLNK = 0o120000;
export const S_IFREG = 0o100000;
export const S_IFBLK = 0o060000;
export const S_IFDIR = 0o040000;
export const S_IFCHR = 0o020000;
export const S_IFIFO = 0o010000;

export const EPERM = 1;
export const ENOENT = 2;
export const ESRCH = 3;
export const ECHILD = 10;
export const EINTR = 4;
export const EIO = 5;
export const ENXIO = 6;
export const ENOEXEC = 8;
export const EAGAIN = 11;
export const EACCES = 13;
export const EBUSY = 16;
export const EEXIST = 17;
export const ENODEV = 19;
export const ENOTDIR = 20;
export const ENOTTY = 25;
export const EINVAL = 22;
export const ENOSPC = 28;
export const EROFS = 30;
export const EPIPE = 32;
export const ENAMETOOLONG = 36;
export const EMSGSIZE = 90;
export const ENOSYS = 38;
export const ELOOP = 40;
export const ENOTEMPTY = 39;
export const EOVERFLOW = 75;
export const EOPNOTSUPP = 95;
export const ECONNRESET = 104;
export const ECONNREFUSED = 111;

export const POLLIN = 1;
export const SIGTERM = 15;
export const SIGKILL = 9;

/** Propagation types of mount(2). */
export const MS_UNBINDABLE = 1 << 17;
export const MS_PRIVATE = 1 << 18;
export const MS_SLAVE = 1 << 19;
export const MS_SHARED = 1 << 20;
