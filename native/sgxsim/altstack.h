// SPDX-License-Identifier: Apache-2.0
/* The program's alternate signal stack. The kernel's record always holds the thread block's. */
#ifndef SGXSIM_ALTSTACK_H
#define SGXSIM_ALTSTACK_H

#include "frame.h"
#include "thread.h"

/* Whether a handler with SA_ONSTACK that interrupts code at `rsp` starts at the stack's top. */
int altstack_usable(const stack_t *stack, uint64_t rsp);

/* SS_AUTODISARM: the stack is forgotten while a handler runs; its frame remembers it. */
void altstack_disarm(stack_t *stack);

/* What rt_sigreturn takes from the frame. */
void altstack_restore(struct thread *thread, const stack_t *saved);

long do_sigaltstack(struct thread *thread, uint64_t new_user, uint64_t old_user, uint64_t rsp);

#endif
