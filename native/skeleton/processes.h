// SPDX-License-Identifier: Apache-2.0
/*
 * The payloads of versions 2 and 3: each is a forked child of the host process that waits for its
 * turn, sleeps as long as its arguments say, and reports success on its standard error.
 */
#ifndef SKELETON_PROCESSES_H
#define SKELETON_PROCESSES_H

#include "enclave_runtime_pal.h"

/* The line every payload ends with. */
extern const char payload_message[];

/* Seconds behind the argument `wait_timeout`; 0 without it. */
unsigned payload_seconds(const char *const argv[]);

/* Creates a process that waits. 0, or a negated errno number. */
int process_create(const pal_create_process_args *args);

/* Lets a created process run and waits for its end. 0, or a negated errno number. */
int process_run(int pid, int *exit_value);

/* Signals `pid`; 0 means the oldest living process, -1 all. 0, or a negated errno number. */
int process_kill(int pid, int signal);

/* Kills and reaps what is left. */
void process_end_all(void);

#endif
