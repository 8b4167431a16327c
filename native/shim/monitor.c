// SPDX-License-Identifier: Apache-2.0
#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define FIXED_POLLS 3
#define WATCH_POLLS (TERMINAL_POLLS + 1)

static size_t count_watches(const struct monitor *monitor)
{
    size_t count = 0;
    for (const struct watch *watch = monitor->watches; watch != NULL; watch = watch->next)
        count++;
    return count;
}

static void prepare(const struct monitor *monitor, struct pollfd *fds)
{
    bool unsent = monitor->unsent_size > 0;
    *fds++ = (struct pollfd){monitor->signals, POLLIN, 0};
    *fds++ = (struct pollfd){monitor->listener, POLLIN, 0};
    *fds++ = (struct pollfd){monitor->orphaned ? -1 : monitor->events, unsent ? POLLOUT : 0, 0};
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        const struct connection *connection = monitor->connections[i];
        /* One whose answer waits is not asked for more, but may go. */
        short wanted = connection != NULL && connection->reaps == 0 ? POLLIN : 0;
        *fds++ = (struct pollfd){connection != NULL ? connection->socket : -1, wanted, 0};
    }
    for (const struct watch *watch = monitor->watches; watch != NULL; watch = watch->next) {
        terminal_prepare(watch, fds);
        fds += TERMINAL_POLLS;
        *fds++ = (struct pollfd){watch->oom, watch->oom_version == 2 ? POLLPRI : POLLIN, 0};
    }
}

static void drain_signals(const struct monitor *monitor)
{
    struct signalfd_siginfo info;
    while (read(monitor->signals, &info, sizeof(info)) == sizeof(info))
        ;
}

/* In the order of the list, which nothing changes meanwhile. */
static void attend_watches(struct monitor *monitor, const struct pollfd *fds)
{
    for (struct watch *watch = monitor->watches; watch != NULL; watch = watch->next) {
        terminal_transfer(watch, fds);
        if (fds[TERMINAL_POLLS].revents != 0)
            watch_oom(monitor, watch);
        fds += WATCH_POLLS;
    }
}

/* False when it is told to end. */
static bool attend_connections(struct monitor *monitor, const struct pollfd *fds)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *connection = monitor->connections[i];
        if (connection != NULL && fds[i].revents != 0 && !control_serve(monitor, connection))
            return false;
    }
    return true;
}

static bool attend(struct monitor *monitor, const struct pollfd *fds)
{
    if (fds[0].revents != 0)
        drain_signals(monitor);
    bool children = watch_reap(monitor);
    if ((fds[2].revents & (POLLHUP | POLLERR)) != 0)
        monitor->orphaned = true;
    attend_watches(monitor, fds + FIXED_POLLS + CONNECTIONS_MAX);
    if (!attend_connections(monitor, fds + FIXED_POLLS))
        return false;
    if (fds[1].revents != 0)
        control_accept(monitor);
    events_flush(monitor);
    return children || !monitor->orphaned;
}

void monitor_run(struct monitor *monitor)
{
    struct pollfd *fds = NULL;
    size_t room = 0;
    fcntl(monitor->events, F_SETFL, O_NONBLOCK);
    fcntl(monitor->listener, F_SETFL, O_NONBLOCK);
    for (;;) {
        size_t count = FIXED_POLLS + CONNECTIONS_MAX + WATCH_POLLS * count_watches(monitor);
        if (count > room) {
            struct pollfd *larger = realloc(fds, 2 * count * sizeof(*fds));
            if (larger == NULL)
                continue; /* memory passes; there is nobody to tell */
            fds = larger;
            room = 2 * count;
        }
        prepare(monitor, fds);
        if (poll(fds, (nfds_t)count, -1) < 0)
            continue;
        if (!attend(monitor, fds))
            break;
    }
    free(fds);
}
