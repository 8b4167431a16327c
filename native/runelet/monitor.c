// SPDX-License-Identifier: Apache-2.0
/* What a foreground `run` or `exec` becomes: it waits, and passes on signals and the terminal. */
#include "kernel.h"
#include "operations.h"
#include "relay.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define MONITOR_NO_SUBREAPER 1u

/* Reaps what has ended. True once the child itself has; its exit code is then in *status. */
static bool reap(pid_t child, int *status)
{
    int raw;
    pid_t pid;
    bool ended = false;
    while ((pid = waitpid(-1, &raw, WNOHANG)) > 0) {
        if (pid != child)
            continue;
        *status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
        ended = true;
    }
    if (pid < 0 && errno == ECHILD && !ended) {
        *status = 255; /* not our child: nobody can know */
        ended = true;
    }
    return ended;
}

/* Handles one signal; true when the child has ended. */
static bool on_signal(int signals, pid_t child, struct relay *relay, int *status)
{
    struct signalfd_siginfo info;
    if (read(signals, &info, sizeof(info)) != sizeof(info))
        return false;
    switch (info.ssi_signo) {
    case SIGCHLD:
        return reap(child, status);
    case SIGWINCH:
        relay_resize(relay);
        return false;
    case SIGURG: /* Go's preemption signal in a caller's process group: no meaning for others */
        return false;
    default:
        kill(child, (int)info.ssi_signo);
        return false;
    }
}

static void attend(int signals, pid_t child, struct relay *relay, int *status)
{
    for (;;) {
        struct pollfd fds[1 + RELAY_POLLS] = {{signals, POLLIN, 0}};
        relay_prepare(relay, fds + 1);
        if (poll(fds, 1 + RELAY_POLLS, -1) < 0 && errno != EINTR)
            return;
        relay_transfer(relay, fds + 1);
        if ((fds[0].revents & POLLIN) != 0 && on_signal(signals, child, relay, status))
            return;
    }
}

int op_monitor(struct run *run, struct reader *payload, struct failure *f)
{
    pid_t child = (pid_t)read_u32(payload);
    uint32_t slot = read_u32(payload), flags = read_u32(payload);
    struct relay relay;
    if (payload_done(payload, f) < 0)
        return -1;
    int console = slot == PLAN_NONE ? -1 : slot_fd(run, slot, f);
    if (slot != PLAN_NONE && console < 0)
        return -1;
    if ((flags & MONITOR_NO_SUBREAPER) == 0)
        prctl(PR_SET_CHILD_SUBREAPER, 1);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    int signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0)
        return fail_errno(f, errno, "signalfd");
    if (relay_open(&relay, console, f) < 0)
        return -1;
    /* The child may have ended before its end could be signalled to this program. */
    if (!reap(child, &run->status))
        attend(signals, child, &relay, &run->status);
    relay_close(&relay);
    close(signals);
    return 0;
}

int op_exit(struct run *run, struct reader *payload, struct failure *f)
{
    if (payload_done(payload, f) < 0)
        return -1;
    _exit(run->status);
}
