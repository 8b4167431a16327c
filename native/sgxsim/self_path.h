// SPDX-License-Identifier: Apache-2.0
/*
 * The program's own path. The kernel believes that the process executes sgxsim, so /proc/self/exe
 * and /proc/PID/exe (of this process) are answered from what the loader knows.
 */
#ifndef SGXSIM_SELF_PATH_H
#define SGXSIM_SELF_PATH_H

#include "base.h"

#define AT_CURRENT_DIRECTORY (-100)
#define PATH_LIMIT 4096

/* Finds and keeps the path of the program open at `fd`; `given` where /proc cannot tell. */
void self_path_start(int fd, const char *given);

/* The path, if `path` names this process's exe link; else NULL. */
const char *self_target(const char *path);

/* readlink and open of that link; 0 when the call is about something else. */
int self_readlink(uint64_t path_user, uint64_t buffer_user, uint64_t size, long *result);
int self_open(uint64_t path_user, int flags, long *result);

#endif
