// SPDX-License-Identifier: Apache-2.0
/* NOTIFY: a container's READY on its way to systemd, sd_notify(3). */
#include "operations.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DATAGRAM_MAX 4096 /* what runc reads of one */

int op_notify(struct run *run, struct reader *payload, struct failure *f)
{
    uint32_t from = read_u32(payload), to = read_u32(payload);
    if (payload_done(payload, f) < 0)
        return -1;
    run->notify_from = slot_fd(run, from, f);
    run->notify_to = run->notify_from < 0 ? -1 : slot_fd(run, to, f);
    return run->notify_to < 0 ? -1 : 0;
}

static void end(struct run *run)
{
    close(run->notify_from);
    close(run->notify_to);
    run->notify_from = run->notify_to = -1;
}

/* systemd that does not listen must not keep the container from running. */
static void tell(const struct run *run, const char *line)
{
    send(run->notify_to, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void pass_ready_on(struct run *run)
{
    char text[DATAGRAM_MAX + 1], main_pid[32];
    ssize_t size = recv(run->notify_from, text, DATAGRAM_MAX, MSG_DONTWAIT);
    if (size < 0)
        return; /* the next poll tells again */
    text[size] = 0;
    for (char *line = text, *next; line != NULL; line = next) {
        next = strchr(line, '\n');
        if (next != NULL)
            *next++ = 0;
        if (strncmp(line, "READY=", 6) != 0)
            continue;
        tell(run, line);
        /* This process is the service's: the container's may be in a namespace of its own. */
        snprintf(main_pid, sizeof(main_pid), "MAINPID=%d", (int)getpid());
        tell(run, main_pid);
        end(run);
        return;
    }
}
