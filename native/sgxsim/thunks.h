// SPDX-License-Identifier: Apache-2.0
/*
 * Trapped calls that do not concern SGX run outside the signal handler, in the thread's code page:
 * with the program's registers and mask they block, are interrupted and are restarted as always.
 */
#ifndef SGXSIM_THUNKS_H
#define SGXSIM_THUNKS_H

#include "frame.h"
#include "thread.h"

/* Lets the trapped call happen after the handler returns. */
void repeat_outside(struct thread *thread, struct context *context);
void repeat_vfork_outside(struct thread *thread, struct context *context);

/*
 * If `context` is in a thunk, moves it to where the program believes to be: on its own system call
 * instruction when the call is still to be made (it then traps again), behind it when it has been.
 * A program's handler may make calls of its own, or never return, without harm to the thunk's
 * return address. Returns whether it was.
 */
int leave_thunk(struct thread *thread, struct context *context);

#endif
