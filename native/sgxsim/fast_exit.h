// SPDX-License-Identifier: Apache-2.0
/* EEXIT without a trap (gate.S, exit_stubs.c). */
#ifndef SGXSIM_FAST_EXIT_H
#define SGXSIM_FAST_EXIT_H

#include "frame.h"
#include "thread.h"

extern const uint8_t fast_exit[], fast_exit_found[];

/* A signal has interrupted an EEXIT without a trap: completes it. Whether the signal was the exit's
 * own, a fault of its search for the thread, and is done with. */
int settle_fast_exit(struct thread *thread, int signal, const siginfo_t *info,
                     struct context *context);

#endif
