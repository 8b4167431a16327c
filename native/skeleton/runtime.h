// SPDX-License-Identifier: Apache-2.0
/* What the three versions of the PAL have in common. All functions return 0 or -errno. */
#ifndef SKELETON_RUNTIME_H
#define SKELETON_RUNTIME_H

#include "enclave_runtime_pal.h"

/*
 * Starts the enclave and lets it greet on standard output. `attr` and its members may be NULL.
 * fd and address (of its TCS) name an enclave that is running already, or are -1 and 0; the fd is
 * taken over on success.
 */
int runtime_init(const pal_attr_v1_t *attr, int fd, uint64_t address);

/* Version 1's payload: runs here, on the caller's thread. */
int runtime_run_inline(char *argv[], const pal_stdio_fds *stdio, int *exit_code);

int runtime_create_process(const pal_create_process_args *args);
int runtime_run_process(const pal_exec_args *args);
int runtime_kill(int pid, int signal);

/* `report_data` NULL: zeros. */
int runtime_report(const void *targetinfo, int targetinfo_len, const void *report_data,
                   int report_data_len, void *report, int *report_len);

/* Ends all payloads and the enclave. */
int runtime_destroy(void);

#endif
