// SPDX-License-Identifier: Apache-2.0
/*
 * clone() of a thread is executed by thread_clone in the new thread's block (gate.S), outside the
 * handler so that the child inherits the parent's floating-point state, and with all signals
 * blocked until the child has its stack. Both sides then trap, and clone_completed puts mask and
 * RIP right.
 */
#include "clone.h"
#include "log.h"
#include "sync_signals.h"
#include "thunks.h"
#include "user_memory.h"
#include <linux/sched.h>

static void clone_thread(struct thread *thread, struct context *context)
{
    struct thread *child = thread_allocate(thread);
    if (child == NULL) {
        context->reg[RAX] = (uint64_t)-EAGAIN;
        return;
    }
    child->blocked = thread->blocked;
    child->clone_rip = thread->clone_rip = context->reg[RIP];
    child->clone_mask = thread->clone_mask = context->mask;
    thread->clone_child = child;
    context->mask = ~SYNC_SIGNALS;
    context->reg[RIP] = thread_address(child, thread_clone);
}

/* A vfork child may not vfork again through the thunk: its parent's way back is kept there. */
static void clone_by_flags(struct thread *thread, uint64_t flags, struct context *context)
{
    if ((flags & CLONE_VM) == 0)
        repeat_outside(thread, context);
    else if ((flags & CLONE_VFORK) == 0)
        clone_thread(thread, context);
    else if (is_borrower())
        context->reg[RAX] =
            (uint64_t)-ENOSYS; /* libraries fall back to clone, which is not trapped */
    else
        repeat_vfork_outside(thread, context);
}

void do_clone(struct thread *thread, struct context *context)
{
    clone_by_flags(thread, context->reg[RDI], context);
}

void do_clone3(struct thread *thread, struct context *context)
{
    uint64_t flags;
    if (read_user(&flags, context->reg[RDI], sizeof flags) != 0)
        context->reg[RAX] = (uint64_t)-EFAULT;
    else
        clone_by_flags(thread, flags, context);
}

static void go_on(struct thread *thread, struct context *context)
{
    context->reg[RIP] = thread->clone_rip;
    context->mask = thread->clone_mask;
}

int clone_completed(struct thread *thread, struct context *context)
{
    uint64_t rip = context->reg[RIP];
    if (is_thread_address(rip, thread_clone_parent)) {
        if (is_error((long)context->reg[RAX]))
            thread_free(thread->clone_child);
        thread->clone_child = NULL;
        go_on(thread, context);
        return 1;
    }
    if (rip == thread_address(thread, thread_clone_child)) {
        thread->tid = (int32_t)call(__NR_gettid);
        thread_remember_fs(thread);
        go_on(thread, context);
        return 1;
    }
    return 0;
}
