// SPDX-License-Identifier: Apache-2.0
/* New threads: each gets its block and signal stack before its first instruction. */
#ifndef SGXSIM_CLONE_H
#define SGXSIM_CLONE_H

#include "frame.h"
#include "thread.h"

/* The trapped calls; the result is in `context` or arrives later through a thunk. */
void do_clone(struct thread *thread, struct context *context);
void do_clone3(struct thread *thread, struct context *context);

/* If `context` stands at one of thread_clone's traps, finishes that side. Returns whether. */
int clone_completed(struct thread *thread, struct context *context);

#endif
