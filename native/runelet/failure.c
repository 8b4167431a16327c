// SPDX-License-Identifier: Apache-2.0
#include "failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int fail_errno(struct failure *f, int error, const char *doing, ...)
{
    va_list args;
    va_start(args, doing);
    f->errno_value = error;
    f->code = FAILURE_SYSCALL;
    vsnprintf(f->doing, sizeof(f->doing), doing, args);
    snprintf(f->reason, sizeof(f->reason), "%s", strerror(error));
    va_end(args);
    return -1;
}

int fail_code(struct failure *f, enum failure_code code, const char *reason, const char *doing, ...)
{
    va_list args;
    va_start(args, doing);
    f->errno_value = 0;
    f->code = code;
    vsnprintf(f->doing, sizeof(f->doing), doing, args);
    snprintf(f->reason, sizeof(f->reason), "%s", reason);
    va_end(args);
    return -1;
}
