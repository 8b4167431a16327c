// SPDX-License-Identifier: Apache-2.0
/* What the monitor tells, without ever waiting. */
#include "monitor.h"

#include "../runelet/record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void queue(struct monitor *monitor, const uint8_t *record, size_t size)
{
    if (monitor->orphaned)
        return;
    size_t needed = monitor->unsent_size + size;
    if (needed > monitor->unsent_room) {
        uint8_t *larger;
        while ((larger = realloc(monitor->unsent, 2 * needed)) == NULL)
            sleep(1); /* an exit is never lost */
        monitor->unsent = larger;
        monitor->unsent_room = 2 * needed;
    }
    memcpy(monitor->unsent + monitor->unsent_size, record, size);
    monitor->unsent_size = needed;
}

void events_flush(struct monitor *monitor)
{
    size_t at = 0;
    while (at < monitor->unsent_size && !monitor->orphaned) {
        ssize_t n = send(monitor->events, monitor->unsent + at, monitor->unsent_size - at,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            monitor->orphaned = true;
        if (n < 0)
            break;
        at += (size_t)n;
    }
    if (monitor->orphaned)
        at = monitor->unsent_size;
    if (at > 0)
        memmove(monitor->unsent, monitor->unsent + at, monitor->unsent_size - at);
    monitor->unsent_size -= at;
}

/* For who finds the server dead. A full disk costs this record, and nothing else. */
static void keep(const struct monitor *monitor, const struct watch *watch, int status,
                 uint64_t time)
{
    char path[PATH_MAX], line[128];
    if (snprintf(path, sizeof(path), "%s/exits", monitor->directory) >= (int)sizeof(path))
        return;
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return;
    int size = snprintf(line, sizeof(line), "%" PRIu64 " %d %d %" PRIu64 "\n", watch->token,
                        (int)watch->pid, status, time);
    if (write(fd, line, (size_t)size) != size)
        size = 0;
    close(fd);
}

void event_exit(struct monitor *monitor, const struct watch *watch, int status)
{
    uint8_t buffer[64];
    struct writer w;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t time = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    keep(monitor, watch, status, time);
    write_begin(&w, buffer, sizeof(buffer), MONITOR_EVENT_EXIT, 0);
    write_u64(&w, watch->token);
    write_u32(&w, (uint32_t)watch->pid);
    write_u32(&w, (uint32_t)status);
    write_u64(&w, time);
    queue(monitor, buffer, write_end(&w));
}

void event_oom(struct monitor *monitor, const struct watch *watch, uint32_t count)
{
    uint8_t buffer[64];
    struct writer w;
    write_begin(&w, buffer, sizeof(buffer), MONITOR_EVENT_OOM, 0);
    write_u64(&w, watch->token);
    write_u32(&w, count);
    queue(monitor, buffer, write_end(&w));
}
