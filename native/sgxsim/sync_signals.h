// SPDX-License-Identifier: Apache-2.0
/*
 * The synchronous signals: those the processor's faults and the seccomp filter arrive as. The
 * emulator handles them always and the kernel never blocks them: a fault while its signal is
 * blocked would end the process (force_sig_info_to_task in kernel/signal.c).
 */
#ifndef SGXSIM_SYNC_SIGNALS_H
#define SGXSIM_SYNC_SIGNALS_H

#include "base.h"
#include <linux/signal.h>

#define SIGNAL_BIT(number) (1UL << ((number)-1))
#define SYNC_SIGNALS                                                                               \
    (SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGFPE) |          \
     SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGSYS))
#define SIGNAL_COUNT 64

static inline int is_synchronous(int signal)
{
    return (SYNC_SIGNALS >> (signal - 1) & 1) != 0;
}

/* 0 to 5, for arrays; `signal` must be synchronous. */
static inline unsigned synchronous_number(int signal)
{
    unsigned number = 0;
    for (int lower = 1; lower < signal; lower++)
        number += (unsigned)is_synchronous(lower);
    return number;
}

/* Codes above 0 are the kernel's (a fault, SIGSYS); 0 and below come from kill and its kin. */
static inline int is_sent(const siginfo_t *info)
{
    return info->si_code <= 0;
}

#endif
