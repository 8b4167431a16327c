// SPDX-License-Identifier: Apache-2.0
/* After do_sigaltstack in kernel/signal.c. */
#include "altstack.h"
#include "user_memory.h"

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif
#define SMALLEST 2048 /* MINSIGSTKSZ */

static int is_on(const stack_t *stack, uint64_t rsp)
{
    if (((unsigned)stack->ss_flags & SS_AUTODISARM) != 0)
        return 0;
    return rsp > (uint64_t)stack->ss_sp && rsp - (uint64_t)stack->ss_sp <= stack->ss_size;
}

int altstack_usable(const stack_t *stack, uint64_t rsp)
{
    return stack->ss_size != 0 && !is_on(stack, rsp);
}

void altstack_disarm(stack_t *stack)
{
    if (((unsigned)stack->ss_flags & SS_AUTODISARM) != 0)
        *stack = (stack_t){.ss_flags = SS_DISABLE};
}

static int mode_of(const stack_t *stack)
{
    return (int)((unsigned)stack->ss_flags & ~SS_AUTODISARM);
}

static long set(struct thread *thread, const stack_t *wanted, uint64_t rsp)
{
    if (is_on(&thread->host_stack, rsp))
        return -EPERM;
    int mode = mode_of(wanted);
    if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
        return -EINVAL;
    if (mode == SS_DISABLE) {
        thread->host_stack = (stack_t){.ss_flags = wanted->ss_flags};
        return 0;
    }
    if (wanted->ss_size < SMALLEST)
        return -ENOMEM;
    thread->host_stack = *wanted;
    return 0;
}

void altstack_restore(struct thread *thread, const stack_t *saved)
{
    int mode = mode_of(saved);
    if (mode == SS_DISABLE || saved->ss_size == 0)
        thread->host_stack = (stack_t){.ss_flags = SS_DISABLE};
    else if ((mode == 0 || mode == SS_ONSTACK) && saved->ss_size >= SMALLEST)
        thread->host_stack = *saved;
}

long do_sigaltstack(struct thread *thread, uint64_t new_user, uint64_t old_user, uint64_t rsp)
{
    stack_t wanted, old = thread->host_stack;
    if (new_user != 0 && read_user(&wanted, new_user, sizeof wanted) != 0)
        return -EFAULT;
    if (old.ss_size == 0)
        old.ss_flags = SS_DISABLE;
    else if (is_on(&old, rsp))
        old.ss_flags |= SS_ONSTACK;
    long result = new_user != 0 ? set(thread, &wanted, rsp) : 0;
    if (result == 0 && old_user != 0)
        result = write_user(old_user, &old, sizeof old);
    return result;
}
