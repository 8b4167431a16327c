// SPDX-License-Identifier: Apache-2.0
/* What every signal that the emulator takes goes through; called by signal_entry. */
#include "handler.h"
#include "clone.h"
#include "cpuid.h"
#include "deliver.h"
#include "enclu.h"
#include "exits.h"
#include "fast_enter.h"
#include "fast_exit.h"
#include "fidelity.h"
#include "filter.h"
#include "log.h"
#include "sync_signals.h"
#include "thunks.h"
#include "traps.h"
#include "user_memory.h"

#define SYS_SECCOMP_CODE 1
#define SYS_USER_DISPATCH_CODE 2
#define SYSCALL_LENGTH 2

static struct thread *take_in_stranger(struct context *context)
{
    struct thread *thread = thread_allocate(NULL);
    if (thread == NULL)
        give_up(STATUS_SETUP, "handle signal: no memory for another thread");
    thread->tid = (int32_t)call(__NR_gettid);
    thread->host_stack = context->stack;
    context->stack = thread->own_stack; /* taken over by the kernel at rt_sigreturn */
    return thread;
}

static int is_instruction(uint64_t rip, const char *bytes, size_t size)
{
    uint8_t found[4];
    return read_user(found, rip, size) == 0 && memcmp(found, bytes, size) == 0;
}

/* On a processor with SGX but without a driver ENCLU faults otherwise than with #UD. */
static int is_enclu(int signal, const siginfo_t *info, const struct context *context)
{
    return (signal == SIGILL || signal == SIGSEGV) && !is_sent(info) &&
           is_instruction(context->reg[RIP], "\x0f\x01\xd7", 3);
}

static void system_call(struct thread *thread, const siginfo_t *info, struct context *context)
{
    if (thread->inside && has_strayed(thread, context->reg[RIP] - SYSCALL_LENGTH)) {
        exit_strayed(thread, context, context->reg[RIP] - SYSCALL_LENGTH);
    } else if (thread->inside) {
        struct exit_cause undefined = {

            .signal = SIGILL,
            .code = ILL_ILLOPN,
            .vector = VECTOR_UD,
            .rip = context->reg[RIP] - SYSCALL_LENGTH};
        exit_with_exception(thread, context, &undefined);
    } else if (info->si_code == SYS_USER_DISPATCH_CODE) {
        note("system call outside the enclave was dispatched"); /* the selector is clear outside */
    } else if (leave_thunk(thread, context) || !is_trapped_call(info->si_syscall)) {
        siginfo_t theirs = *info; /* raised by a filter of the program's own */
        theirs.si_call_addr = (void *)context->reg[RIP];
        deliver(thread, SIGSYS, &theirs, context);
    } else {
        trapped_call(thread, info->si_syscall, context);
    }
}

static void dispatch(struct thread *thread, int signal, const siginfo_t *info,
                     struct context *context)
{
    int interrupt = is_interrupt(thread, signal, info);
    if ((interrupt || !is_sent(info)) && fidelity_stops(thread, context))
        return;
    if (interrupt && thread->inside && has_strayed(thread, context->reg[RIP]))
        return exit_strayed(thread, context, context->reg[RIP]);
    if (interrupt && !thread->inside)
        return; /* it came while the thread was on its way out */
    if (signal == SIGSYS && !is_sent(info))
        return system_call(thread, info, context);
    if (signal == SIGILL && !is_sent(info) && clone_completed(thread, context))
        return;
    if (is_enclu(signal, info, context)) {
        if (thread->inside && has_strayed(thread, context->reg[RIP]) &&
            context->reg[RIP] != (uint64_t)fast_exit_enclu)
            return exit_strayed(thread, context, context->reg[RIP]);
        if (thread->inside)
            return enclu_inside(thread, context);
        return enclu_outside(thread, context);
    }
    if (signal == SIGSEGV && !is_sent(info) && is_cpuid_fault(context)) {
        if (!thread->inside)
            return emulate_cpuid(context);
        struct exit_cause undefined = {

            .signal = SIGILL, .code = ILL_ILLOPN, .vector = VECTOR_UD, .rip = context->reg[RIP]};
        return exit_with_exception(thread, context, &undefined);
    }
    if (thread->inside)
        return signal_inside(thread, signal, info, context);
    fidelity_report(signal, info);
    leave_thunk(thread, context);
    deliver(thread, signal, info, context);
}

struct thread *handle_signal(int signal, siginfo_t *info, struct context *context,
                             struct thread *thread)
{
    process_check();
    fidelity_open_memory();
    if (thread == NULL)
        thread = take_in_stranger(context);
    if (context->reg[RIP] == (uint64_t)read_fs_word_access && !is_sent(info)) {
        context->reg[RIP] = (uint64_t)read_fs_word_fault;
        return thread;
    }
    settle_fast_enter(thread, context);
    if (!settle_fast_exit(thread, signal, info, context))
        dispatch(thread, signal, info, context);
    if (!thread->inside)
        deliver_pending(thread, context);
    return thread;
}

/*
 * A signal on top of the emulator's own handler. A fault in a guarded copy is answered with
 * -EFAULT; a signal that was sent is sent again, to arrive when the handler has returned.
 */
void handle_nested(int signal, siginfo_t *info, struct context *context, struct thread *thread)
{
    if (is_interrupt(thread, signal, info))
        return; /* the thread is outside already, or will be interrupted again */
    if (is_sent(info)) {
        uint64_t bit = SIGNAL_BIT(signal);
        call(__NR_rt_sigprocmask, SIG_BLOCK, &bit, NULL, sizeof bit);
        context->mask |= bit;
        call(__NR_rt_tgsigqueueinfo, call(__NR_getpid), call(__NR_gettid), signal, info);
        return;
    }
    if (context->reg[RIP] == (uint64_t)copy_guarded_access) {
        context->reg[RIP] = (uint64_t)copy_guarded_fault;
        return;
    }
    complain("internal fault: signal %d at 0x%lx, address 0x%lx, thread block 0x%lx", signal,
             context->reg[RIP], (unsigned long)info->si_addr, (unsigned long)thread);
    die_by(signal, context);
}
