// SPDX-License-Identifier: Apache-2.0
/* Resource limits. */
#include "support.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int limit(uint16_t code, uint32_t resource, uint64_t soft, uint64_t hard, struct failure *f)
{
    uint8_t buffer[64];
    struct run run = empty_run();
    struct writer w;
    *f = (struct failure){0};
    write_begin(&w, buffer, sizeof(buffer), code, 0);
    write_u32(&w, resource);
    if (code == 34)
        write_u64(&w, soft);
    write_u64(&w, hard);
    return perform(code == 34 ? op_rlimit : op_raise_limit, &run, &w, f);
}

static bool is(uint64_t soft, uint64_t hard)
{
    struct rlimit now;
    getrlimit(RLIMIT_NOFILE, &now);
    return now.rlim_cur == soft && now.rlim_max == hard;
}

/* In a process of its own: a limit that is lower stays so. */
static int child(void)
{
    struct failure f;
    if (limit(34, RLIMIT_NOFILE, 50, 100, &f) < 0 || !is(50, 100))
        return 1;
    if (limit(57, RLIMIT_NOFILE, 0, 90, &f) < 0 || !is(50, 100))
        return 2;
    if (limit(57, RLIMIT_NOFILE, 0, 100, &f) < 0 || !is(50, 100))
        return 3;
    /* Whether a higher one is permitted depends on the caller; the soft one stays in any case. */
    int result = limit(57, RLIMIT_NOFILE, 0, 101, &f);
    if (result == 0 ? !is(50, 101) : !is(50, 100) || f.errno_value != EPERM)
        return 4;
    if (limit(57, 99, 0, 1, &f) == 0 || f.errno_value != EINVAL)
        return 5;
    return limit(34, 99, 0, 1, &f) == 0 ? 6 : 0;
}

int main(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(child());
    int status = -1;
    waitpid(pid, &status, 0);
    ok(status == 0, "a limit is set, and a hard one raised without the soft one: %d",
       WEXITSTATUS(status));
    return tap_done();
}
