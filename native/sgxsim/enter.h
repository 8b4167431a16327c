// SPDX-License-Identifier: Apache-2.0
/* EENTER and ERESUME through a trap. */
#ifndef SGXSIM_ENTER_H
#define SGXSIM_ENTER_H

#include "frame.h"
#include "thread.h"

void enter_enclave(struct thread *thread, struct context *context, int resume);

/* Switches syscall user dispatch on for the calling thread: from then on the kernel looks at
 * thread->selector. Not inherited by threads and forked children, hence the epoch. */
void arm_dispatch(struct thread *thread);

#endif
