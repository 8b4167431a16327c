// SPDX-License-Identifier: Apache-2.0
/*
 * What the program has asked for with rt_sigaction. The kernel knows the emulator's handler for
 * every signal the program handles and for the synchronous ones; the rest is as the program set it.
 */
#ifndef SGXSIM_DISPOSITIONS_H
#define SGXSIM_DISPOSITIONS_H

#include "base.h"
#include "thread.h"

/* As rt_sigaction has it. */
struct disposition {
    uint64_t handler; /* 0 SIG_DFL, 1 SIG_IGN */
    uint64_t flags;
    uint64_t restorer;
    uint64_t mask;
};

#define HANDLER_DEFAULT 0UL
#define HANDLER_IGNORE 1UL

/* Reads what the process inherited and installs the emulator's handlers. `ignored` are the
 * synchronous signals that the image before the execve ignored. */
void dispositions_start(uint64_t ignored);

struct disposition disposition_of(const struct thread *thread, int signal);

/* The system call. */
long do_rt_sigaction(struct thread *thread, uint64_t signal, uint64_t new_user, uint64_t old_user,
                     uint64_t size);

/* SA_RESETHAND. */
void disposition_reset(int signal);

/* Gives the kernel the default action, so that the signal ends the process. */
void disposition_make_default(int signal);

/* Synchronous signals the program ignores: execve passes them on. */
uint64_t ignored_synchronous(const struct thread *thread);

#endif
