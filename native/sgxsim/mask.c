// SPDX-License-Identifier: Apache-2.0
#include "mask.h"
#include "altstack.h"
#include "deliver.h"
#include "sync_signals.h"
#include "user_memory.h"

#define UNSTOPPABLE (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))

extern const uint8_t gate_sigreturn[];

/* The kernel's mask is changed by the return from the emulator's handler. */
long do_rt_sigprocmask(struct thread *thread, uint64_t how, uint64_t new_user, uint64_t old_user,
                       uint64_t size, struct context *context)
{
    uint64_t old = mask_of(thread, context), mask = old, set;
    if (size != sizeof set)
        return -EINVAL;
    if (new_user != 0) {
        if (read_user(&set, new_user, sizeof set) != 0)
            return -EFAULT;
        set &= ~UNSTOPPABLE;
        switch ((int)how) {
        case SIG_BLOCK:
            mask |= set;
            break;
        case SIG_UNBLOCK:
            mask &= ~set;
            break;
        case SIG_SETMASK:
            mask = set;
            break;
        default:
            return -EINVAL;
        }
        set_mask(thread, context, mask);
    }
    return old_user != 0 ? write_user(old_user, &old, sizeof old) : 0;
}

/*
 * The program's frame says which mask and alternate stack it wants. Both are taken over, the frame
 * gets what the kernel must restore, and the real call is made from the gate. Until then nothing
 * may arrive: the kernel's mask and the frame's are of two different moments.
 */
void do_rt_sigreturn(struct thread *thread, struct context *context)
{
    struct context saved;
    uint64_t user = context->reg[RSP];
    if (read_user(&saved, user, sizeof saved) != 0)
        return die_by(SIGSEGV, context);
    altstack_restore(thread, &saved.stack);
    thread->blocked = saved.mask & SYNC_SIGNALS;
    saved.mask &= ~SYNC_SIGNALS;
    saved.stack = thread->own_stack;
    if (write_user(user, &saved, sizeof saved) != 0)
        return die_by(SIGSEGV, context);
    context->mask = ~SYNC_SIGNALS;
    context->reg[RIP] = (uint64_t)gate_sigreturn;
}
