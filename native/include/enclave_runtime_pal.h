// SPDX-License-Identifier: Apache-2.0
/*
 * Enclave Runtime PAL API, versions 1, 2 and 3: what an enclave runtime implements to be started by
 * `rune`. For C11 and C++11, x86-64 System V ABI; needs nothing but this file.
 *
 * A PAL is a shared object that exports the functions below with C linkage. Which ones, and who
 * calls them when and on which thread, says docs/protocol/pal-api.md; in short:
 *
 *   function                   v1        v2        v3
 *   pal_get_version            absent    returns 2 returns 3      (absent means version 1)
 *   pal_init                   v1 attr   v1 attr   v3 attr        at create
 *   pal_create_process         -         required  required       at start, at exec
 *   pal_exec                   v1 form   v2 form   v2 form        at start, at exec; blocks
 *   pal_kill                   -         optional  optional       at any time, from any thread
 *   pal_get_local_report       -         -         required       at attest
 *   pal_get_report_with_data   -         -         optional       at attest
 *   pal_destroy                required  required  required       once, when the payload has ended
 *
 * pal_init and pal_exec differ between the versions, so that C cannot declare them all at once:
 * define ENCLAVE_RUNTIME_PAL_VERSION as 1, 2 or 3 before the #include to get the prototypes of that
 * version, checked by your compiler. Without it only the types are declared.
 *
 * Return values: 0 or more is success, except for pal_get_local_report and
 * pal_get_report_with_data, where only 0 is. Failure is a negated errno number (-ENOENT), or -1
 * with `errno` set.
 */
#ifndef ENCLAVE_RUNTIME_PAL_H
#define ENCLAVE_RUNTIME_PAL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Sizes of what pal_get_local_report takes and gives, in bytes (SDM volume 3D, 38.15 and 38.16). */
#define PAL_TARGETINFO_SIZE 512
#define PAL_REPORT_SIZE 432
#define PAL_REPORT_DATA_SIZE 64

/*
 * Argument of pal_init, versions 1 and 2; 16 bytes. Both strings live until pal_init returns.
 */
typedef struct {
    const char *args;      /* offset 0: words separated by spaces; "" where there are none */
    const char *log_level; /* offset 8: trace debug info warning error fatal panic off */
} pal_attr_v1_t;

/*
 * Argument of pal_init, version 3; 32 bytes. `fd` and `addr` hand over an enclave that a pool has
 * prepared; fd -1 and addr 0: there is none, the PAL builds its own.
 */
typedef struct {
    pal_attr_v1_t attr_v1; /* offset 0 */
    int fd;                /* offset 16; 4 bytes of padding behind it */
    uint64_t addr;         /* offset 24 */
} pal_attr_v3_t;

/*
 * The payload's standard streams; 12 bytes. They belong to the caller: dup() what must outlive
 * pal_exec, close nothing. With a terminal all three are the same one. The names
 * are the original API's; with glibc they live beside <stdio.h>, whose macros expand to themselves.
 */
typedef struct {
    int stdin;  /* offset 0 */
    int stdout; /* offset 4 */
    int stderr; /* offset 8 */
} pal_stdio_fds;

/*
 * Argument of pal_create_process, versions 2 and 3; 40 bytes. Everything it points to lives until
 * pal_create_process returns.
 */
typedef struct {
    const char *path;     /* offset 0: the program; it may exist only inside the enclave runtime */
    const char **argv;    /* offset 8: NULL-terminated, argv[0] included */
    const char **env;     /* offset 16: NULL-terminated, KEY=VALUE */
    pal_stdio_fds *stdio; /* offset 24 */
    int *pid;             /* offset 32: out, the PAL's number for the process, greater than 0 */
} pal_create_process_args;

/*
 * Argument of pal_exec, versions 2 and 3; 16 bytes. Naturally aligned: the original's prose says
 * "packed", its code never was.
 */
typedef struct {
    int pid;         /* offset 0: from pal_create_process; 4 bytes of padding behind it */
    int *exit_value; /* offset 8: out, 0 to 255 or a wait(2) status: see docs/protocol/pal-api.md */
} pal_exec_args;

#ifdef __cplusplus
#define PAL_ASSERT_(condition) static_assert(condition, #condition)
#else
#define PAL_ASSERT_(condition) _Static_assert(condition, #condition)
#endif
PAL_ASSERT_(sizeof(void *) == 8 && sizeof(int) == 4);
PAL_ASSERT_(sizeof(pal_attr_v1_t) == 16 && offsetof(pal_attr_v1_t, log_level) == 8);
PAL_ASSERT_(sizeof(pal_attr_v3_t) == 32 && offsetof(pal_attr_v3_t, fd) == 16);
PAL_ASSERT_(offsetof(pal_attr_v3_t, addr) == 24);
#ifdef __GLIBC__ /* musl's stderr is a macro that offsetof cannot take */
PAL_ASSERT_(offsetof(pal_stdio_fds, stderr) == 8);
#endif
PAL_ASSERT_(sizeof(pal_stdio_fds) == 12);
PAL_ASSERT_(sizeof(pal_create_process_args) == 40);
PAL_ASSERT_(offsetof(pal_create_process_args, argv) == 8);
PAL_ASSERT_(offsetof(pal_create_process_args, env) == 16);
PAL_ASSERT_(offsetof(pal_create_process_args, stdio) == 24);
PAL_ASSERT_(offsetof(pal_create_process_args, pid) == 32);
PAL_ASSERT_(sizeof(pal_exec_args) == 16 && offsetof(pal_exec_args, exit_value) == 8);
#undef PAL_ASSERT_

#ifdef ENCLAVE_RUNTIME_PAL_VERSION

/* Exported from an object that is otherwise built with -fvisibility=hidden. */
#define PAL_API __attribute__((visibility("default")))

#if ENCLAVE_RUNTIME_PAL_VERSION == 1

/* Creates the enclave. Working directory, identity and seccomp filter are the container's. */
PAL_API int pal_init(pal_attr_v1_t *attr);
/* Runs a program to its end. No environment. Calls may overlap, each on a thread of its own. */
PAL_API int pal_exec(char *path, char *argv[], pal_stdio_fds *stdio, int *exit_code);

#elif ENCLAVE_RUNTIME_PAL_VERSION == 2 || ENCLAVE_RUNTIME_PAL_VERSION == 3

/* The version of this API that the PAL implements. */
PAL_API int pal_get_version(void);
/* Creates the enclave. Working directory, identity and seccomp filter are the container's. */
#if ENCLAVE_RUNTIME_PAL_VERSION == 2
PAL_API int pal_init(pal_attr_v1_t *attr);
#else
PAL_API int pal_init(pal_attr_v3_t *attr);
#endif
/* Creates a process inside the enclave, but does not run it. */
PAL_API int pal_create_process(pal_create_process_args *args);
/* Runs a created process to its end, on the thread that created it. Calls overlap. */
PAL_API int pal_exec(pal_exec_args *args);
/* Sends a signal to process `pid`, or to all with -1. */
PAL_API int pal_kill(int pid, int sig);

#if ENCLAVE_RUNTIME_PAL_VERSION == 3
/*
 * A REPORT of the enclave for the target described by `targetinfo` (512 bytes). *report_len is the
 * size of the buffer on entry (432) and of the REPORT on return. Report data is the PAL's affair.
 */
PAL_API int pal_get_local_report(void *targetinfo, int targetinfo_len, void *report,
                                 int *report_len);
/*
 * The same with report data chosen by the caller (64 bytes), so that the REPORT proves its
 * freshness. Optional; not part of the original API.
 */
PAL_API int pal_get_report_with_data(void *targetinfo, int targetinfo_len, void *report_data,
                                     int report_data_len, void *report, int *report_len);
#endif

#else
#error "ENCLAVE_RUNTIME_PAL_VERSION is 1, 2 or 3"
#endif

/* Ends the enclave. Called once, after the last payload has ended or been given up. */
PAL_API int pal_destroy(void);

#endif /* ENCLAVE_RUNTIME_PAL_VERSION */

#ifdef __cplusplus
}
#endif

#endif
