// SPDX-License-Identifier: Apache-2.0
/* The CPUs of a process: some, all there are, and masks that are none. */
#include "support.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int set(const void *mask, uint32_t size, struct failure *f)
{
    uint8_t buffer[2048];
    struct run run = empty_run();
    struct writer w;
    *f = (struct failure){0};
    write_begin(&w, buffer, sizeof(buffer), 9, 0);
    write_bytes(&w, mask, size);
    return perform(op_affinity, &run, &w, f);
}

/* In a process of its own, which keeps what it is confined to. */
static int child(void)
{
    struct failure f;
    cpu_set_t before, now;
    sched_getaffinity(0, sizeof(before), &before);
    uint64_t one = 0;
    for (unsigned cpu = 0; cpu < 64 && one == 0; cpu++)
        if (CPU_ISSET(cpu, &before))
            one = UINT64_C(1) << cpu;
    if (set(&one, sizeof(one), &f) < 0)
        return 1;
    sched_getaffinity(0, sizeof(now), &now);
    if (CPU_COUNT(&now) != 1)
        return 2;
    if (set("", 0, &f) < 0)
        return 3;
    sched_getaffinity(0, sizeof(now), &now);
    cpu_set_t both;
    CPU_AND(&both, &now, &before);
    if (!CPU_EQUAL(&both, &before)) /* the caller itself may have been confined */
        return 4;
    if (set(&one, 7, &f) == 0)
        return 5;
    static const uint8_t large[1032];
    if (set(large, sizeof(large), &f) == 0)
        return 6;
    return set(large, 8, &f) == 0 || f.errno_value != EINVAL ? 7 : 0; /* no CPU at all */
}

int main(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(child());
    int status = -1;
    waitpid(pid, &status, 0);
    ok(status == 0, "one CPU, then all again; masks that are none are refused: %d",
       WEXITSTATUS(status));
    return tap_done();
}
