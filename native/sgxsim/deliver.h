// SPDX-License-Identifier: Apache-2.0
/* Handing signals to the program's own handlers, and their way back. */
#ifndef SGXSIM_DELIVER_H
#define SGXSIM_DELIVER_H

#include "frame.h"
#include "thread.h"

/*
 * Does with a signal what the program has asked for: changes `context` so that returning from the
 * emulator's handler calls the program's, or ignores it, or ends the process. `context` is the
 * program's own state (not inside an enclave).
 */
void deliver(struct thread *thread, int signal, const siginfo_t *info, struct context *context);

/* Delivers a synchronous signal that was sent while the program blocked it, if there is one now. */
void deliver_pending(struct thread *thread, struct context *context);

/* A fault of the program at `context`: #PF (vector 14, address, error code) or another vector. */
void deliver_fault(struct thread *thread, int signal, int code, int vector, uint64_t address,
                   uint32_t error, struct context *context);

/* Ends the process by `signal`'s default action. */
void die_by(int signal, struct context *context);

/* The program's view of its mask. */
uint64_t mask_of(const struct thread *thread, const struct context *context);
void set_mask(struct thread *thread, struct context *context, uint64_t mask);

#endif
