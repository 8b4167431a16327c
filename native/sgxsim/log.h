// SPDX-License-Identifier: Apache-2.0
/* Messages on standard error. Formats know %s, %d (int), %u (unsigned), %x and %lx (hexadecimal).
 */
#ifndef SGXSIM_LOG_H
#define SGXSIM_LOG_H

#include "base.h"

/* Whether --verbose was given. */
extern int verbose;

#define PRINTF __attribute__((format(printf, 1, 2)))

/* A line of the form `sgxsim: ...`, only with --verbose. */
void note(const char *format, ...) PRINTF;

/* The same, always. */
void complain(const char *format, ...) PRINTF;

/* complain, then ends the process with `status`. */
__attribute__((noreturn, format(printf, 2, 3))) void give_up(int status, const char *format, ...);

/* Ends the process at once. */
__attribute__((noreturn)) void quit(int status);

/* Statuses of the launcher itself. */
enum { STATUS_SETUP = 125, STATUS_CANNOT_RUN = 126, STATUS_NOT_FOUND = 127 };

#endif
