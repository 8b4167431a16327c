// SPDX-License-Identifier: Apache-2.0
#include "thunks.h"

#define SYSCALL_LENGTH 2

void repeat_outside(struct thread *thread, struct context *context)
{
    thread->resume_rip = context->reg[RIP];
    context->reg[RIP] = thread_address(thread, thread_repeat);
}

void repeat_vfork_outside(struct thread *thread, struct context *context)
{
    thread->vfork_rip = context->reg[RIP];
    context->reg[RIP] = thread_address(thread, thread_vfork);
}

static int leave(struct context *context, uint64_t thunk, uint64_t resume)
{
    if (context->reg[RIP] == thunk)
        context->reg[RIP] = resume - SYSCALL_LENGTH;
    else if (context->reg[RIP] == thunk + SYSCALL_LENGTH)
        context->reg[RIP] = resume;
    else
        return 0;
    return 1;
}

int leave_thunk(struct thread *thread, struct context *context)
{
    return leave(context, thread_address(thread, thread_repeat), thread->resume_rip) ||
           leave(context, thread_address(thread, thread_vfork), thread->vfork_rip);
}
