// SPDX-License-Identifier: Apache-2.0
/**
 * A profile that behaves like docker's default one for a container with docker's default capabilities
 * on x86-64: what dockerd writes into config.json after it has chosen by kernel, architecture and
 * capabilities. Put together by subject from docker's documentation of it
 * (docs.docker.com/engine/security/seccomp) and the system call table.
 */

/** One line a subject; a name of a 32-bit variant stands behind the one it varies. */
const allowed = `
  open openat openat2 creat close close_range read readv pread64 preadv preadv2 write writev
  pwrite64 pwritev pwritev2 lseek _llseek dup dup2 dup3 fcntl fcntl64 ioctl flock
  readahead fadvise64 fadvise64_64 sync_file_range fsync fdatasync sync syncfs

  stat stat64 lstat lstat64 fstat fstat64 fstatat64 newfstatat statx statfs statfs64 fstatfs
  fstatfs64 access faccessat faccessat2 readlink readlinkat getdents getdents64 getcwd
  statmount listmount cachestat name_to_handle_at

  chdir fchdir chmod fchmod fchmodat fchmodat2 chown chown32 fchown fchown32 fchownat lchown
  lchown32 mkdir mkdirat mknod mknodat rmdir link linkat symlink symlinkat unlink unlinkat rename
  renameat renameat2 truncate truncate64 ftruncate ftruncate64 fallocate umask
  utime utimes utimensat utimensat_time64 futimesat

  getxattr lgetxattr fgetxattr getxattrat setxattr lsetxattr fsetxattr setxattrat listxattr
  llistxattr flistxattr listxattrat removexattr lremovexattr fremovexattr removexattrat

  pipe pipe2 splice tee vmsplice sendfile sendfile64 copy_file_range
  poll ppoll ppoll_time64 select _newselect pselect6 pselect6_time64
  epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait
  epoll_pwait2 eventfd eventfd2 signalfd signalfd4 inotify_init inotify_init1 inotify_add_watch
  inotify_rm_watch fanotify_mark
  io_setup io_submit io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64

  brk mmap mmap2 munmap mremap mprotect madvise mincore msync mseal mlock mlock2 mlockall munlock
  munlockall remap_file_pages membarrier memfd_create memfd_secret pkey_alloc pkey_free
  pkey_mprotect map_shadow_stack process_mrelease

  fork vfork execve execveat exit exit_group wait4 waitid waitpid set_tid_address set_robust_list
  get_robust_list set_thread_area get_thread_area futex futex_time64 futex_wait futex_wake
  futex_waitv futex_requeue rseq prctl seccomp landlock_create_ruleset landlock_add_rule
  landlock_restrict_self pidfd_open pidfd_send_signal restart_syscall uretprobe riscv_hwprobe

  getpid getppid gettid getpgid getpgrp getsid setsid setpgid getuid getuid32 geteuid geteuid32
  getgid getgid32 getegid getegid32 getresuid getresuid32 getresgid getresgid32 getgroups
  getgroups32 setuid setuid32 setgid setgid32 setreuid setreuid32 setregid setregid32 setresuid
  setresuid32 setresgid setresgid32 setgroups setgroups32 setfsuid setfsuid32 setfsgid setfsgid32
  capget capset

  kill tkill tgkill pause alarm sigaltstack sigprocmask sigreturn rt_sigaction rt_sigpending
  rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait
  rt_sigtimedwait_time64 rt_tgsigqueueinfo

  time times gettimeofday adjtimex nanosleep clock_gettime clock_gettime64 clock_getres
  clock_getres_time64 clock_nanosleep clock_nanosleep_time64 clock_adjtime clock_adjtime64
  getitimer setitimer timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64
  timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64
  timerfd_settime timerfd_settime64

  getpriority setpriority ioprio_get ioprio_set getcpu getrusage getrlimit ugetrlimit setrlimit
  prlimit64 sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr
  sched_getparam sched_setparam sched_getscheduler sched_setscheduler sched_get_priority_max
  sched_get_priority_min sched_rr_get_interval sched_rr_get_interval_time64 sysinfo uname
  getrandom

  socketcall socketpair bind listen connect accept accept4 shutdown send sendto sendmsg sendmmsg
  recv recvfrom recvmsg recvmmsg recvmmsg_time64 getsockname getpeername getsockopt setsockopt

  ipc shmget shmat shmdt shmctl semget semop semctl semtimedop semtimedop_time64 msgget msgsnd
  msgrcv msgctl mq_open mq_unlink mq_notify mq_getsetattr mq_timedsend mq_timedsend_time64
  mq_timedreceive mq_timedreceive_time64

  ptrace process_vm_readv process_vm_writev
  arch_prctl modify_ldt chroot
`;

/** All of CLONE_NEW* but CLONE_NEWTIME: a namespace takes CAP_SYS_ADMIN. */
const cloneNamespaces = 0x7e020000;
/** PER_LINUX, PER_LINUX32, UNAME26, both, and the question for the current one. */
const personalities = [0, 8, 0x20000, 0x20008, 0xffffffff];
/** Below are the ordinary families; not 40 (AF_VSOCK, which leads to the hypervisor) nor 38 (AF_ALG). */
const socketFamilies = [
  13, 14, 15, 16, 17, 18, 21, 22, 24, 26, 27, 28, 29, 30, 31, 32, 33, 35, 36, 39, 41, 42, 43, 44,
  45,
];

export const dockerProfile = {
  defaultAction: "SCMP_ACT_ERRNO",
  defaultErrnoRet: 1,
  architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
  syscalls: [
    { names: allowed.trim().split(/\s+/), action: "SCMP_ACT_ALLOW" },
    allow("socket", "SCMP_CMP_LT", 12),
    ...socketFamilies.map((family) => allow("socket", "SCMP_CMP_EQ", family)),
    ...personalities.map((value) => allow("personality", "SCMP_CMP_EQ", value)),
    allow("clone", "SCMP_CMP_MASKED_EQ", cloneNamespaces),
    // Its flags lie in memory, where no filter sees them: the C library is to fall back to clone.
    { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: 38 },
  ],
};

function allow(name: string, op: string, value: number) {
  return { names: [name], action: "SCMP_ACT_ALLOW", args: [{ index: 0, value, op }] };
}
