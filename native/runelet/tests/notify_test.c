// SPDX-License-Identifier: Apache-2.0
/* NOTIFY: what passes from a container to systemd, and what does not. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../operations.h"
#include "support.h"

/* The far ends of the sockets that NOTIFY gets: of the container's programs, and systemd's. */
static int container, host;

static struct run notified(void)
{
    int from[2], to[2];
    uint8_t buffer[32];
    struct writer w;
    struct failure f = {0};
    struct run run = empty_run();
    socketpair(AF_UNIX, SOCK_DGRAM, 0, from);
    socketpair(AF_UNIX, SOCK_DGRAM, 0, to);
    run.slots[3] = from[0];
    run.slots[4] = to[0];
    container = from[1];
    host = to[1];
    write_begin(&w, buffer, sizeof(buffer), 96, 0);
    write_u32(&w, 3);
    write_u32(&w, 4);
    ok(perform(op_notify, &run, &w, &f) == 0, "NOTIFY keeps two sockets");
    return run;
}

static bool hears(const char *text)
{
    char heard[8192];
    ssize_t size = recv(host, heard, sizeof(heard), MSG_DONTWAIT);
    return text == NULL ? size < 0
                        : size == (ssize_t)strlen(text) && memcmp(heard, text, (size_t)size) == 0;
}

static void say(struct run *run, const char *text)
{
    send(container, text, strlen(text), 0);
    pass_ready_on(run);
}

static void test_ready(void)
{
    char pid[32];
    snprintf(pid, sizeof(pid), "MAINPID=%d", (int)getpid());
    struct run run = notified();
    say(&run, "STATUS=READY=1\nWATCHDOG=1");
    say(&run, "");
    ok(hears(NULL) && run.notify_from >= 0, "nothing but a READY passes");
    say(&run, "STATUS=x\nREADY=1\nMAINPID=1\n");
    ok(hears("READY=1"), "READY passes");
    ok(hears(pid) && hears(NULL), "with this process as the main one, not the container's");
    ok(run.notify_from == -1 && run.notify_to == -1, "and ends it");
}

static void test_limits(void)
{
    char large[6000];
    memset(large, 'x', sizeof(large));
    memcpy(large + 4090, "\nREADY=1\n", 9);
    struct run run = notified();
    send(container, large, sizeof(large), 0);
    pass_ready_on(&run);
    ok(hears(NULL) && run.notify_from >= 0, "what is beyond 4096 bytes is not read");
    close(host);
    say(&run, "READY=1");
    ok(run.notify_from == -1, "a systemd that is gone is no failure");
}

static void test_refusals(void)
{
    uint8_t buffer[32];
    struct writer w;
    struct failure f = {0};
    struct run run = empty_run();
    write_begin(&w, buffer, sizeof(buffer), 96, 0);
    write_u32(&w, 3);
    write_u32(&w, 4);
    ok(perform(op_notify, &run, &w, &f) < 0, "empty slots are refused");
    pass_ready_on(&run);
}

int main(void)
{
    test_ready();
    test_limits();
    test_refusals();
    return tap_done();
}
