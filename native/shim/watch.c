// SPDX-License-Identifier: Apache-2.0
/* Processes whose end is to be told, and what is held for them. */
#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct watch *watch_find(const struct monitor *monitor, uint64_t token)
{
    struct watch *watch = monitor->watches;
    while (watch != NULL && watch->token != token)
        watch = watch->next;
    return watch;
}

static void without_waiting(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0)
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

int watch_add(struct monitor *monitor, uint64_t token, pid_t pid, uint32_t roles,
              const struct packet *packet)
{
    struct watch *watch = calloc(1, sizeof(*watch));
    bool has_terminal = (roles & 1u << MASTER) != 0;
    struct terminal *terminal = has_terminal ? calloc(1, sizeof(*terminal)) : NULL;
    if (watch == NULL || (has_terminal && terminal == NULL)) {
        free(watch);
        free(terminal);
        for (size_t i = 0; i < packet->count; i++)
            close(packet->descriptors[i]);
        return -ENOMEM;
    }
    *watch = (struct watch){monitor->watches, token, pid, false, {0}, terminal, -1, 0};
    size_t taken = 0;
    for (int role = 0; role < ROLES; role++) {
        bool has = (roles & 1u << role) != 0;
        watch->fd[role] = has ? packet->descriptors[taken++] : -1;
        /* Each is the monitor's alone: nobody else's reads and writes change. */
        if (has && role >= MASTER)
            without_waiting(watch->fd[role]);
    }
    monitor->watches = watch;
    return 0;
}

void watch_close(struct watch *watch, enum role role)
{
    if (watch->fd[role] >= 0)
        close(watch->fd[role]);
    watch->fd[role] = -1;
}

void watch_forget(struct monitor *monitor, struct watch *watch)
{
    struct watch **at = &monitor->watches;
    while (*at != watch)
        at = &(*at)->next;
    *at = watch->next;
    for (int role = 0; role < ROLES; role++)
        watch_close(watch, role);
    if (watch->oom >= 0)
        close(watch->oom);
    free(watch->terminal);
    free(watch);
}

void watch_ended(struct monitor *monitor, struct watch *watch, int status)
{
    watch->ended = true;
    event_exit(monitor, watch, status);
}

static void on_end(struct monitor *monitor, pid_t pid, int status)
{
    for (struct watch *watch = monitor->watches; watch != NULL; watch = watch->next) {
        if (watch->pid == pid && !watch->ended)
            watch_ended(monitor, watch, status);
    }
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *connection = monitor->connections[i];
        if (connection != NULL && connection->started == pid)
            connection->started = 0;
        if (connection == NULL || connection->reaps != pid)
            continue;
        connection->reaps = 0;
        control_answer(monitor, connection, 0);
    }
}

bool watch_reap(struct monitor *monitor)
{
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid > 0)
            on_end(monitor, pid, status);
        else if (pid == 0)
            return true;
        else if (errno == ECHILD)
            return false;
    }
}

/* "oom_kill N" of memory.events, from its start; -1 where the cgroup is gone. */
static int64_t count_kills(int fd)
{
    char text[1024];
    ssize_t size = pread(fd, text, sizeof(text) - 1, 0);
    if (size <= 0)
        return -1;
    text[size] = 0;
    const char *at = strstr(text, "oom_kill ");
    return at == NULL ? 0 : (uint32_t)strtoul(at + strlen("oom_kill "), NULL, 10);
}

/* False: the cgroup is gone. */
static bool tell_kills(struct monitor *monitor, const struct watch *watch)
{
    /* It is readable before anything has happened, and changes with "high" and "max", too. */
    int64_t kills = count_kills(watch->oom);
    if (kills > 0)
        event_oom(monitor, watch, (uint32_t)kills);
    return kills >= 0;
}

static bool tell_event(struct monitor *monitor, const struct watch *watch)
{
    uint64_t count;
    if (read(watch->oom, &count, sizeof(count)) != sizeof(count))
        return false;
    event_oom(monitor, watch, 0);
    return true;
}

void watch_oom(struct monitor *monitor, struct watch *watch)
{
    if (watch->oom_version == 2 ? tell_kills(monitor, watch) : tell_event(monitor, watch))
        return;
    close(watch->oom);
    watch->oom = -1;
}
