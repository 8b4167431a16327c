// SPDX-License-Identifier: Apache-2.0
/* What a foreground `run` or `exec` becomes: it waits, and passes on signals and the terminal. */
#include "channel.h"
#include "kernel.h"
#include "operations.h"
#include "relay.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* The channel ends when the payload runs, or brings the reason why it does not. */
static void on_channel(struct run *run, int *channel)
{
    if (channel_read_outcome(*channel, &run->failure) == 1) {
        run->failed = true;
        return;
    }
    close(*channel);
    *channel = -1;
}

static void attend(struct run *run, int signals, int channel, pid_t child, struct relay *relay)
{
    for (;;) {
        struct pollfd fds[2 + RELAY_POLLS] = {{signals, POLLIN, 0}, {channel, POLLIN, 0}};
        relay_prepare(relay, fds + 2);
        if (poll(fds, 2 + RELAY_POLLS, -1) < 0 && errno != EINTR)
            return;
        relay_transfer(relay, fds + 2);
        if (fds[1].revents != 0)
            on_channel(run, &channel);
        /* A child that has said nothing yet may have left its reason in the channel. */
        if ((fds[0].revents & POLLIN) != 0 && on_signal(signals, child, relay, &run->status)) {
            if (channel >= 0 && !run->failed)
                on_channel(run, &channel);
            return;
        }
    }
}

int op_monitor(struct run *run, struct reader *payload, struct failure *f)
{
    pid_t child = (pid_t)read_u32(payload);
    uint32_t slot = read_u32(payload), channel_slot = read_u32(payload);
    uint32_t flags = read_u32(payload);
    struct relay relay;
    if (payload_done(payload, f) < 0)
        return -1;
    int channel = slot_fd(run, channel_slot, f);
    if (channel < 0)
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
    /* Only now: from its first instruction on the payload's signals are passed on. A child that is
     * gone already cannot be told, and may have ended before its end could be signalled. */
    struct failure gone;
    channel_send_run(channel, &gone);
    if (reap(child, &run->status))
        on_channel(run, &channel);
    else
        attend(run, signals, channel, child, &relay);
    relay_close(&relay);
    close(signals);
    return 0;
}

/* A payload that could not be started is told of by rune: argv, then what the child said. */
int op_report(struct run *run, struct reader *payload, struct failure *f)
{
    char code[16], error[16];
    char **argv = read_list(payload);
    if (payload_done(payload, f) < 0)
        return -1;
    if (!run->failed)
        return 0;
    size_t count = 0;
    while (argv[count] != NULL)
        count++;
    char **words = calloc(count + 5, sizeof(*words));
    if (words == NULL || count == 0)
        return fail_errno(f, ENOMEM, "report the failure");
    memcpy(words, argv, count * sizeof(*words));
    snprintf(code, sizeof(code), "%u", run->failure.code);
    snprintf(error, sizeof(error), "%d", run->failure.errno_value);
    char *failure[] = {code, error, run->failure.doing, run->failure.reason};
    memcpy(words + count, failure, sizeof(failure));
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    char *environment[] = {NULL};
    execve(words[0], words, environment);
    return fail_errno(f, errno, "execute `%s`", words[0]);
}

int op_exit(struct run *run, struct reader *payload, struct failure *f)
{
    if (payload_done(payload, f) < 0)
        return -1;
    _exit(run->status);
}
