// SPDX-License-Identifier: Apache-2.0
/*
 * The system calls the platform needs: the table of docs/protocol/simulation.md, in its order. A
 * container's seccomp profile is checked against it when its launch is planned.
 */
#ifndef SGXSIM_CALLS_H
#define SGXSIM_CALLS_H

static const char *const needed_calls[] = {
    "arch_prctl",     "brk",          "close",
    "connect",        "execveat",     "exit_group",
    "faccessat2",     "fcntl",        "fstat",
    "fstatfs",        "ftruncate",    "futex",
    "getpid",         "gettid",       "madvise",
    "memfd_create",   "mmap",         "mprotect",
    "munmap",         "openat",       "pkey_alloc",
    "pkey_mprotect",  "prctl",        "pread64",
    "pwrite64",       "read",         "readlinkat",
    "recvfrom",       "rt_sigaction", "rt_sigpending",
    "rt_sigprocmask", "rt_sigreturn", "rt_tgsigqueueinfo",
    "seccomp",        "sendto",       "setsockopt",
    "sigaltstack",    "socket",       "tgkill",
    "timer_create",   "timer_delete", "timer_settime",
    "write",
};

#endif
