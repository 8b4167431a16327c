// SPDX-License-Identifier: Apache-2.0
/*
 * write(2) and read(2) alone: a container's filter may forbid all other calls that could be used.
 * The price is a SIGPIPE where rune has died, which is the end of the child anyway.
 */
#include "channel.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static int send_record(const struct run *run, struct writer *w, struct failure *f)
{
    size_t size = write_end(w);
    if (run->channel < 0 || size == 0)
        return fail_code(f, FAILURE_PLAN, "no channel", "use the init channel");
    ssize_t n;
    do
        n = write(run->channel, w->start, size);
    while (n < 0 && errno == EINTR);
    return n < 0 ? fail_errno(f, errno, "use the init channel") : 0;
}

static int send_process(const struct run *run, enum channel_code code, pid_t pid, struct failure *f)
{
    uint8_t buffer[32];
    struct writer w;
    write_begin(&w, buffer, sizeof(buffer), code, 0);
    write_u32(&w, (uint32_t)pid);
    return send_record(run, &w, f);
}

int channel_send_pid(const struct run *run, pid_t pid, struct failure *f)
{
    return send_process(run, CHANNEL_PID, pid, f);
}

int channel_send_map(const struct run *run, pid_t pid, struct failure *f)
{
    return send_process(run, CHANNEL_MAP, pid, f);
}

static int send_word(const struct run *run, enum channel_code code, struct failure *f)
{
    uint8_t buffer[32];
    struct writer w;
    write_begin(&w, buffer, sizeof(buffer), code, 0);
    return send_record(run, &w, f);
}

int channel_send_ready(const struct run *run, struct failure *f)
{
    return send_word(run, CHANNEL_READY, f);
}

int channel_send_hooks(const struct run *run, struct failure *f)
{
    return send_word(run, CHANNEL_HOOKS, f);
}

int channel_send_devices(const struct run *run, struct failure *f)
{
    return send_word(run, CHANNEL_DEVICES, f);
}

int channel_send_listener(const struct run *run, int listener, struct failure *f)
{
    uint8_t buffer[32];
    struct writer w;
    write_begin(&w, buffer, sizeof(buffer), CHANNEL_LISTENER, 0);
    write_u32(&w, (uint32_t)listener);
    return send_record(run, &w, f);
}

void channel_send_failure(const struct run *run, const struct failure *why)
{
    uint8_t buffer[sizeof(why->doing) + sizeof(why->reason) + 64];
    struct writer w;
    struct failure ignored;
    write_begin(&w, buffer, sizeof(buffer), CHANNEL_FAILED, 0);
    write_u32(&w, why->code);
    write_u32(&w, (uint32_t)why->errno_value);
    write_string(&w, why->doing);
    write_string(&w, why->reason);
    if (run->channel < 0 || send_record(run, &w, &ignored) < 0)
        dprintf(2, "rune: %s: %s\n", why->doing, why->reason);
}

int channel_wait(const struct run *run, enum channel_code code, struct failure *f)
{
    uint8_t buffer[64];
    ssize_t n;
    do
        n = read(run->channel, buffer, sizeof(buffer));
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        _exit(1); /* rune has died, or given up and said why: nobody is left to tell */
    struct reader packet = {buffer, buffer + n, false};
    struct record record;
    if (!record_next(&packet, &record) || record.code != code)
        return fail_code(f, FAILURE_PLAN, "unexpected message", "wait for rune");
    return 0;
}

/* The monitor's side, where a SIGPIPE would be a signal to pass on. */
int channel_send_run(int channel, struct failure *f)
{
    uint8_t buffer[32];
    struct writer w;
    write_begin(&w, buffer, sizeof(buffer), CHANNEL_RUN, 0);
    size_t size = write_end(&w);
    return send(channel, buffer, size, MSG_NOSIGNAL) < 0 ? fail_errno(f, errno, "send RUN") : 0;
}

int channel_read_outcome(int channel, struct failure *why)
{
    uint8_t buffer[sizeof(why->doing) + sizeof(why->reason) + 64];
    ssize_t n;
    do
        n = read(channel, buffer, sizeof(buffer));
    while (n < 0 && errno == EINTR);
    struct reader packet = {buffer, buffer + (n > 0 ? n : 0), false};
    struct record record;
    if (!record_next(&packet, &record) || record.code != CHANNEL_FAILED)
        return 0;
    why->code = read_u32(&record.payload);
    why->errno_value = (int)read_u32(&record.payload);
    snprintf(why->doing, sizeof(why->doing), "%s", read_string(&record.payload, NULL));
    snprintf(why->reason, sizeof(why->reason), "%s", read_string(&record.payload, NULL));
    return 1;
}
