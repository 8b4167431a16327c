// SPDX-License-Identifier: Apache-2.0
#ifndef SGXSIM_TRAPS_H
#define SGXSIM_TRAPS_H

#include "frame.h"
#include "thread.h"

/* A system call the filter has trapped, outside an enclave. RIP is behind the instruction. */
void trapped_call(struct thread *thread, long number, struct context *context);

#endif
