// SPDX-License-Identifier: Apache-2.0
#ifndef SGXSIM_HANDLER_H
#define SGXSIM_HANDLER_H

#include "frame.h"
#include "thread.h"

/* Called by signal_entry. Returns the thread's block, which is new where `thread` was NULL. */
struct thread *handle_signal(int signal, siginfo_t *info, struct context *context,
                             struct thread *thread);

/* Called by signal_entry when the emulator itself was interrupted. */
void handle_nested(int signal, siginfo_t *info, struct context *context, struct thread *thread);

#endif
