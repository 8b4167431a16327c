// SPDX-License-Identifier: Apache-2.0
#include "signals.h"

#include <signal.h>

bool signal_is_forwarded(int number)
{
    switch (number) {
    case SIGHUP:
    case SIGINT:
    case SIGQUIT:
    case SIGUSR1:
    case SIGUSR2:
    case SIGALRM:
    case SIGTERM:
    case SIGSTKFLT:
    case SIGTSTP:
    case SIGCONT:
    case SIGIO:
    case SIGPWR:
        return true;
    default:
        /* 32 and 33 are glibc's own (NPTL); SIGRTMIN starts behind them. */
        return number >= SIGRTMIN && number <= SIGRTMAX;
    }
}

bool signal_is_fatal(int number)
{
    return signal_is_forwarded(number) && number != SIGTSTP && number != SIGCONT;
}
