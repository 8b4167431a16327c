// SPDX-License-Identifier: Apache-2.0
/* Test Anything Protocol, as much as is needed: one line per check, a plan at the end. */
#ifndef PAL_TESTS_TAP_H
#define PAL_TESTS_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static int tap_count, tap_failed;

/* One check; the name is a format. */
__attribute__((format(printf, 2, 3), unused)) static bool ok(bool passed, const char *name, ...)
{
    va_list args;
    va_start(args, name);
    printf("%sok %d - ", passed ? "" : "not ", ++tap_count);
    vprintf(name, args);
    printf("\n");
    va_end(args);
    tap_failed += !passed;
    return passed;
}

/* To be returned from main. */
__attribute__((unused)) static int tap_done(void)
{
    printf("1..%d\n", tap_count);
    return tap_failed == 0 ? 0 : 1;
}

#endif
