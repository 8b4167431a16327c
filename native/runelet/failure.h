// SPDX-License-Identifier: Apache-2.0
/*
 * The error convention of the C parts: a function that can fail takes a `struct failure *`, returns
 * -1 after filling it, and leaves it alone on success. Text is "doing: reason", lower case,
 * subjects in back-quotes; whoever is outermost reports it once.
 */
#ifndef RUNELET_FAILURE_H
#define RUNELET_FAILURE_H

#include <stdint.h>

/* Codes of FAILED, docs/protocol/init-channel.md. */
enum failure_code {
    FAILURE_SYSCALL = 0,
    FAILURE_PLAN = 1,
    FAILURE_NOT_FOUND = 2,
    FAILURE_NOT_EXECUTABLE = 3,
    FAILURE_PAL_ABI = 4,
    FAILURE_PAL = 5,
    FAILURE_HOOK = 6,
};

struct failure {
    int errno_value; /* 0 where no system call failed */
    uint32_t code;   /* enum failure_code */
    char doing[512];
    char reason[512];
};

/* A system call failed with errno `error`; the format says what was being done. Returns -1. */
int fail_errno(struct failure *f, int error, const char *doing, ...)
    __attribute__((format(printf, 3, 4)));

/* Anything else; the format says what was being done, `reason` why it failed. Returns -1. */
int fail_code(struct failure *f, enum failure_code code, const char *reason, const char *doing, ...)
    __attribute__((format(printf, 4, 5)));

#endif
