// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel has put its frame on the emulator's stack. Here the same frame is put where the kernel
 * would have put it without the emulator: the program sees its own mask, its own alternate stack
 * and an rt_sigframe it may change, leave by longjmp or return from.
 */
#include "deliver.h"
#include "altstack.h"
#include "dispositions.h"
#include "log.h"
#include "sync_signals.h"
#include "user_memory.h"
#include "xstate.h"

#define RED_ZONE 128

uint64_t mask_of(const struct thread *thread, const struct context *context)
{
    return (context->mask & ~SYNC_SIGNALS) | thread->blocked;
}

void set_mask(struct thread *thread, struct context *context, uint64_t mask)
{
    thread->blocked = mask & SYNC_SIGNALS;
    context->mask = mask & ~SYNC_SIGNALS;
}

void die_by(int signal, struct context *context)
{
    disposition_make_default(signal);
    context->mask &= ~SIGNAL_BIT(signal);
    call(__NR_tgkill, call(__NR_getpid), call(__NR_gettid), signal);
}

/* Where the kernel's get_sigframe would begin. */
static uint64_t stack_for(const struct thread *thread, const struct disposition *disposition,
                          uint64_t rsp)
{
    if ((disposition->flags & SA_ONSTACK) != 0 && altstack_usable(&thread->host_stack, rsp))
        return (uint64_t)thread->host_stack.ss_sp + thread->host_stack.ss_size;
    return rsp - RED_ZONE;
}

/* Writes the frame; its address, or 0 when the stack cannot take it. */
static uint64_t write_frame(struct thread *thread, const struct disposition *disposition,
                            const siginfo_t *info, const struct context *context)
{
    uint64_t top = stack_for(thread, disposition, context->reg[RSP]);
    struct frame frame = {.restorer = disposition->restorer, .context = *context, .info = *info};
    frame.context.link = 0;
    frame.context.stack = thread->host_stack;
    frame.context.mask = mask_of(thread, context);
    if (context->fpstate != NULL) {
        uint32_t size = xstate_frame_size(context->fpstate);
        top = (top - size) & ~63UL;
        frame.context.fpstate = (uint8_t *)top;
        if (write_user(top, context->fpstate, size) != 0)
            return 0;
    }
    uint64_t address = ((top - sizeof frame) & ~15UL) - 8;
    return write_user(address, &frame, sizeof frame) == 0 ? address : 0;
}

static void call_handler(struct thread *thread, int signal, const struct disposition *disposition,
                         uint64_t frame, struct context *context)
{
    uint64_t *reg = context->reg;
    reg[RDI] = (uint64_t)signal;
    reg[RSI] = frame + offsetof(struct frame, info);
    reg[RDX] = frame + offsetof(struct frame, context);
    reg[RAX] = 0;
    reg[RSP] = frame;
    reg[RIP] = disposition->handler;
    reg[EFLAGS] &= ~(0x400UL | 0x10000UL | 0x100UL); /* DF, RF, TF */
    if (context->fpstate != NULL)
        xstate_initialize(context->fpstate);
    uint64_t mask = mask_of(thread, context) | disposition->mask;
    if ((disposition->flags & SA_NODEFER) == 0)
        mask |= SIGNAL_BIT(signal);
    set_mask(thread, context, mask);
    altstack_disarm(&thread->host_stack);
    thread->prepared = 0;
    if ((disposition->flags & SA_RESETHAND) != 0)
        disposition_reset(signal);
}

void deliver(struct thread *thread, int signal, const siginfo_t *info, struct context *context)
{
    struct disposition disposition = disposition_of(thread, signal);
    if (is_synchronous(signal)) {
        int forced = !is_sent(info);
        int is_blocked = (thread->blocked & SIGNAL_BIT(signal)) != 0;
        if (forced && (is_blocked || disposition.handler == HANDLER_IGNORE))
            return die_by(signal, context);
        if (is_blocked) {
            thread->pending |= SIGNAL_BIT(signal);
            thread->pending_info[synchronous_number(signal)] = *info;
            return;
        }
    }
    if (disposition.handler == HANDLER_IGNORE)
        return;
    if (disposition.handler == HANDLER_DEFAULT)
        return die_by(signal, context);
    uint64_t frame = write_frame(thread, &disposition, info, context);
    if (frame == 0) {
        complain("deliver signal %d: the stack at 0x%lx cannot take the frame", signal,
                 context->reg[RSP]);
        return die_by(SIGSEGV, context);
    }
    call_handler(thread, signal, &disposition, frame, context);
}

void deliver_pending(struct thread *thread, struct context *context)
{
    uint64_t ready = thread->pending & ~thread->blocked;
    if (ready == 0)
        return;
    int signal = __builtin_ctzl(ready) + 1;
    thread->pending &= ~SIGNAL_BIT(signal);
    siginfo_t info = thread->pending_info[synchronous_number(signal)];
    deliver(thread, signal, &info, context);
}

void deliver_fault(struct thread *thread, int signal, int code, int vector, uint64_t address,
                   uint32_t error, struct context *context)
{
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = signal;
    info.si_code = code;
    info.si_addr = (void *)address;
    context->reg[TRAP_NUMBER] = (uint64_t)vector;
    context->reg[ERROR_CODE] = error;
    context->reg[CR2] = vector == VECTOR_PF ? address : 0;
    deliver(thread, signal, &info, context);
}
