// SPDX-License-Identifier: Apache-2.0
#include "dispositions.h"
#include "lock.h"
#include "sync_signals.h"
#include "user_memory.h"

#ifndef SA_RESTORER
#define SA_RESTORER 0x04000000
#endif

#define SIGSET_SIZE 8UL
#define UNSTOPPABLE (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))

/* While a handler of the emulator runs, all signals wait but those a fault of its own arrives as.
 */
#define OPEN_IN_HANDLER (SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGILL))

/* Flags that change what the kernel does besides calling the handler. */
#define PASSED_FLAGS (SA_RESTART | SA_NOCLDSTOP | SA_NOCLDWAIT)

extern const uint8_t signal_entry[], gate_sigreturn[];

static struct disposition table[SIGNAL_COUNT + 1];

static long kernel_set(int signal, const struct disposition *disposition)
{
    return call(__NR_rt_sigaction, signal, disposition, NULL, SIGSET_SIZE);
}

static long install(int signal, uint64_t program_flags)
{
    struct disposition ours = {
        .handler = (uint64_t)signal_entry,
        .flags = SA_SIGINFO | SA_ONSTACK | SA_RESTORER | (program_flags & PASSED_FLAGS),
        .restorer = (uint64_t)gate_sigreturn,
        .mask = ~OPEN_IN_HANDLER,
    };
    if ((OPEN_IN_HANDLER & SIGNAL_BIT(signal)) != 0)
        ours.flags |= SA_NODEFER;
    return kernel_set(signal, &ours);
}

void dispositions_start(uint64_t ignored)
{
    for (int signal = 1; signal <= SIGNAL_COUNT; signal++) {
        if ((UNSTOPPABLE & SIGNAL_BIT(signal)) != 0)
            continue;
        call(__NR_rt_sigaction, signal, NULL, &table[signal], SIGSET_SIZE);
        if (!is_synchronous(signal))
            continue;
        if ((ignored & SIGNAL_BIT(signal)) != 0)
            table[signal].handler = HANDLER_IGNORE;
        install(signal, table[signal].flags);
    }
}

/* Process-wide, except for the synchronous signals of a vfork child: see thread.h. */
struct disposition disposition_of(const struct thread *thread, int signal)
{
    if (is_synchronous(signal) && is_borrower() &&
        thread->vfork_pid == (int32_t)call(__NR_getpid)) {
        int ignored = (thread->vfork_ignored & SIGNAL_BIT(signal)) != 0;
        return (struct disposition){.handler = ignored ? HANDLER_IGNORE : HANDLER_DEFAULT};
    }
    return table[signal];
}

/* A vfork child has its own dispositions in the kernel but shares the table with its parent, which
 * must not change. Children like that reset signals and exec; handlers of their own they may not
 * install (signal-safety of vfork), and get the parent's. */
static long set_as_borrower(struct thread *thread, int signal, const struct disposition *wanted)
{
    if (!is_synchronous(signal))
        return wanted->handler > HANDLER_IGNORE ? install(signal, wanted->flags)
                                                : kernel_set(signal, wanted);
    int32_t pid = (int32_t)call(__NR_getpid);
    if (thread->vfork_pid != pid) {
        thread->vfork_ignored = 0;
        for (int other = 1; other <= SIGNAL_COUNT; other++)
            if (is_synchronous(other) && table[other].handler == HANDLER_IGNORE)
                thread->vfork_ignored |= SIGNAL_BIT(other);
        thread->vfork_pid = pid;
    }
    thread->vfork_ignored &= ~SIGNAL_BIT(signal);
    if (wanted->handler == HANDLER_IGNORE)
        thread->vfork_ignored |= SIGNAL_BIT(signal);
    return 0;
}

/* A signal of another thread may arrive in between: the table says "handled" whenever the kernel
 * does. */
static long set_as_owner(int signal, const struct disposition *wanted)
{
    int handled = wanted->handler > HANDLER_IGNORE;
    if (handled || is_synchronous(signal)) {
        table[signal] = *wanted;
        return install(signal, wanted->flags);
    }
    long result = kernel_set(signal, wanted);
    if (result == 0)
        table[signal] = *wanted;
    return result;
}

long do_rt_sigaction(struct thread *thread, uint64_t signal_word, uint64_t new_user,
                     uint64_t old_user, uint64_t size)
{
    int signal = (int)signal_word;
    if (size != SIGSET_SIZE || signal < 1 || signal > SIGNAL_COUNT)
        return -EINVAL;
    struct disposition wanted;
    if (new_user != 0) {
        if (read_user(&wanted, new_user, sizeof wanted) != 0)
            return -EFAULT;
        if ((UNSTOPPABLE & SIGNAL_BIT(signal)) != 0)
            return -EINVAL;
        wanted.mask &= ~UNSTOPPABLE;
    }
    lock_take(&locks.dispositions);
    struct disposition old = disposition_of(thread, signal);
    long result = 0;
    if (new_user != 0)
        result = is_borrower() ? set_as_borrower(thread, signal, &wanted)
                               : set_as_owner(signal, &wanted);
    lock_release(&locks.dispositions);
    if (result == 0 && old_user != 0)
        result = write_user(old_user, &old, sizeof old);
    return result;
}

void disposition_reset(int signal)
{
    static const struct disposition none;
    lock_take(&locks.dispositions);
    if (!is_synchronous(signal))
        kernel_set(signal, &none);
    if (!is_borrower())
        table[signal].handler = HANDLER_DEFAULT;
    lock_release(&locks.dispositions);
}

void disposition_make_default(int signal)
{
    static const struct disposition none;
    kernel_set(signal, &none);
}

uint64_t ignored_synchronous(const struct thread *thread)
{
    uint64_t ignored = 0;
    for (int signal = 1; signal <= SIGNAL_COUNT; signal++)
        if (is_synchronous(signal) && disposition_of(thread, signal).handler == HANDLER_IGNORE)
            ignored |= SIGNAL_BIT(signal);
    return ignored;
}
