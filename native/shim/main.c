// SPDX-License-Identifier: Apache-2.0
#include "monitor.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define LISTENER 3
#define EVENTS 4

int main(int argc, char **argv)
{
    static struct monitor monitor = {.listener = LISTENER, .events = EVENTS};
    sigset_t all;
    if (argc != 2 || fcntl(LISTENER, F_SETFD, FD_CLOEXEC) < 0 ||
        fcntl(EVENTS, F_SETFD, FD_CLOEXEC) < 0)
        return 2; /* it is started by the shim only */
    monitor.directory = argv[1];
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    sigfillset(&all); /* a signal to the shim's process group is not the pod's end */
    sigprocmask(SIG_SETMASK, &all, NULL);
    monitor.signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    if (monitor.signals < 0 || chdir("/") < 0)
        return 1;
    monitor_run(&monitor);
    return 0;
}
