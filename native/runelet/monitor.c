// SPDX-License-Identifier: Apache-2.0
/* What a foreground `run` or `exec` becomes: it waits, and passes on signals and the terminal. */
#include "channel.h"
#include "hook.h"
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

/* What the monitor waits for: the child's end, and that of both descriptors. */
struct watch {
    pid_t child;
    int signals;
    int channel; /* the child's, until the payload runs; -1 then */
    int hooks;   /* of start_poststart_hooks, -1 when there are none or all have ended */
    bool ended;
    struct relay relay;
};

static void close_watched(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void on_signal(struct run *run, struct watch *watch)
{
    struct signalfd_siginfo info;
    if (read(watch->signals, &info, sizeof(info)) != sizeof(info))
        return;
    switch (info.ssi_signo) {
    case SIGCHLD:
        watch->ended = watch->ended || reap(watch->child, &run->status);
        return;
    case SIGWINCH:
        relay_resize(&watch->relay);
        return;
    case SIGURG: /* Go's preemption signal in a caller's process group: no meaning for others */
        return;
    default:
        if (!watch->ended)
            kill(watch->child, (int)info.ssi_signo);
    }
}

/* The container has failed; the first reason is the one that is told. */
static void give_up(struct run *run, const struct watch *watch, const struct failure *why)
{
    if (!run->failed)
        run->failure = *why;
    run->failed = true;
    if (!watch->ended)
        kill(watch->child, SIGKILL);
}

static void on_payload_running(struct run *run, struct watch *watch)
{
    struct failure f;
    if (run->poststart_count == 0)
        return;
    watch->hooks = start_poststart_hooks(run, &f);
    if (watch->hooks < 0)
        give_up(run, watch, &f);
}

/* The channel ends when the payload runs, or brings the reason why it does not. */
static void on_channel(struct run *run, struct watch *watch)
{
    if (channel_read_outcome(watch->channel, &run->failure) == 1)
        run->failed = true;
    close_watched(&watch->channel);
    if (!run->failed)
        on_payload_running(run, watch);
}

static void on_hooks(struct run *run, struct watch *watch)
{
    struct failure why;
    if (channel_read_outcome(watch->hooks, &why) == 1)
        give_up(run, watch, &why);
    close_watched(&watch->hooks);
}

static void attend(struct run *run, struct watch *watch)
{
    while (!watch->ended || watch->channel >= 0 || watch->hooks >= 0) {
        struct pollfd fds[4 + RELAY_POLLS] = {{watch->signals, POLLIN, 0},
                                              {watch->channel, POLLIN, 0},
                                              {watch->hooks, POLLIN, 0},
                                              {run->notify_from, POLLIN, 0}};
        relay_prepare(&watch->relay, fds + 4);
        if (poll(fds, 4 + RELAY_POLLS, -1) < 0)
            continue; /* ENOMEM passes */
        relay_transfer(&watch->relay, fds + 4);
        if (fds[3].revents != 0)
            pass_ready_on(run);
        if (fds[1].revents != 0)
            on_channel(run, watch);
        if (fds[2].revents != 0)
            on_hooks(run, watch);
        if ((fds[0].revents & POLLIN) != 0)
            on_signal(run, watch);
    }
}

/* Everything that can fail; from then on signals arrive through watch->signals. */
static int begin(struct run *run, struct watch *watch, uint32_t console_slot, struct failure *f)
{
    int console = console_slot == PLAN_NONE ? -1 : slot_fd(run, console_slot, f);
    if (console_slot != PLAN_NONE && console < 0)
        return -1;
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    watch->signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    if (watch->signals < 0)
        return fail_errno(f, errno, "signalfd");
    return relay_open(&watch->relay, console, f);
}

/* Without a monitor there is no container: it ends, and the plan goes on with cleaning up. */
static void end_unwatched(struct run *run, struct watch *watch, const struct failure *why)
{
    give_up(run, watch, why);
    close_watched(&watch->channel);
    while (waitpid(watch->child, NULL, 0) < 0 && errno == EINTR)
        ;
    run->status = 1;
}

int op_monitor(struct run *run, struct reader *payload, struct failure *f)
{
    struct watch watch = {.signals = -1, .channel = -1, .hooks = -1, .relay = {.master = -1}};
    struct failure why;
    watch.child = (pid_t)read_u32(payload);
    uint32_t slot = read_u32(payload), channel_slot = read_u32(payload);
    uint32_t flags = read_u32(payload);
    if (payload_done(payload, f) < 0)
        return -1;
    if (channel_slot != PLAN_NONE) {
        watch.channel = slot_fd(run, channel_slot, f);
        if (watch.channel < 0)
            return -1;
    }
    if ((flags & MONITOR_NO_SUBREAPER) == 0)
        prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (begin(run, &watch, slot, &why) < 0) {
        end_unwatched(run, &watch, &why);
    } else {
        /* Only now: from its first instruction on the payload's signals are passed on. A child that
         * is gone already cannot be told, and may have ended before its end could be signalled. */
        if (watch.channel >= 0)
            channel_send_run(watch.channel, &why);
        else
            on_payload_running(run, &watch);
        watch.ended = reap(watch.child, &run->status);
        attend(run, &watch);
        relay_close(&watch.relay);
    }
    close_watched(&watch.signals);
    return 0;
}

int become_report(char **argv, const struct failure *why, struct failure *f)
{
    char code[16], error[16], doing[sizeof(why->doing)], reason[sizeof(why->reason)];
    size_t count = 0;
    while (argv[count] != NULL)
        count++;
    char **words = calloc(count + 5, sizeof(*words));
    if (words == NULL || count == 0)
        return fail_errno(f, ENOMEM, "report the failure");
    memcpy(words, argv, count * sizeof(*words));
    snprintf(code, sizeof(code), "%u", why->code);
    snprintf(error, sizeof(error), "%d", why->errno_value);
    memcpy(doing, why->doing, sizeof(doing));
    memcpy(reason, why->reason, sizeof(reason));
    char *failure[] = {code, error, doing, reason};
    memcpy(words + count, failure, sizeof(failure));
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    char *environment[] = {NULL};
    execve(words[0], words, environment);
    return fail_errno(f, errno, "execute `%s`", words[0]);
}

/* A payload that could not be started is told of by rune: argv, then what the child said. */
int op_report(struct run *run, struct reader *payload, struct failure *f)
{
    char **argv = read_list(payload);
    if (payload_done(payload, f) < 0)
        return -1;
    return run->failed ? become_report(argv, &run->failure, f) : 0;
}

int op_exit(struct run *run, struct reader *payload, struct failure *f)
{
    if (payload_done(payload, f) < 0)
        return -1;
    _exit(run->status);
}
