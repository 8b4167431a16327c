// SPDX-License-Identifier: Apache-2.0
/* Each payload is a process of its own with an enclave of its own. */
#ifndef WASM_PROCESSES_H
#define WASM_PROCESSES_H

#include <stdbool.h>

#include "enclave_runtime_pal.h"

/* Forks, loads the enclave in the child, and waits until it is loaded. 0 or a negated errno. */
int process_create(const pal_create_process_args *args, bool debug);

/* Lets it run, and waits for its end. */
int process_run(int pid, int *exit_value);

/* `pid` -1: all. */
int process_kill(int pid, int signal);

void process_end_all(void);

#endif
