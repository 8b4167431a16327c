// SPDX-License-Identifier: Apache-2.0
/* execve under the platform: every new image is started by this program again. */
#ifndef SGXSIM_EXEC_H
#define SGXSIM_EXEC_H

#include "frame.h"
#include "thread.h"

/* The trapped execve or execveat. Returns only with an error. */
long do_exec(struct thread *thread, int directory, uint64_t path_user, uint64_t argv_user,
             uint64_t envp_user, int flags, struct context *context);

/* What one image tells the next in its first argument: `+fd:ignored:blocked:options`, and with a
 * platform service `:` and its socket's path. */
struct handover {
    uint64_t fd;         /* the program's file, open */
    uint64_t ignored;    /* synchronous signals the program ignores */
    uint64_t blocked;    /* the program's whole signal mask */
    uint64_t options;    /* OPTION_... */
    const char *service; /* "" without; when read, in the word */
};
#define OPTION_VERBOSE 1
#define OPTION_VIRTUAL_NODES 2
#define OPTION_FAST_EXIT 4
#define OPTION_PORTABLE 8
#define OPTION_FIDELITY 16
#define OPTION_EPC_POOL 32
#define OPTION_EPC_SHIFT 32 /* the EPC's size in MiB, 0 when none was asked for */
#define HANDOVER_SIZE 184

void handover_write(char word[HANDOVER_SIZE], const struct handover *handover);
/* Whether `word` is one. */
int handover_read(struct handover *handover, const char *word);

/* Executes this program's own image with `argv`: see exec_self.c. */
long exec_self(const uint64_t *argv, uint64_t envp_user);

#endif
