// SPDX-License-Identifier: Apache-2.0
/*
 * Cleaning up after a container. A failure is reported and the next operation still runs, so that
 * no more than necessary stays behind.
 */
#include "operations.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 10000 /* for processes in uninterruptible sleep and cgroups still draining */

static void report(const char *doing, const char *path, int error)
{
    dprintf(2, "rune: %s `%s`: %s\n", doing, path, strerror(error));
}

static void sleep_ms(long ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/* Kills what a cgroup.procs lists; returns how many there were, -1 when it cannot be read. */
static int kill_listed(const char *path)
{
    char line[32];
    int count = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return -1;
    while (fgets(line, sizeof(line), file) != NULL) {
        pid_t pid = atoi(line);
        if (pid > 1 && pid != getpid())
            kill(pid, SIGKILL);
        count++;
    }
    fclose(file);
    return count;
}

int op_cgroup_kill(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run;
    const char *path = read_string(payload, NULL);
    if (payload_done(payload, f) < 0)
        return -1;
    for (long waited = 0, step = 1; waited < PATIENCE_MS; waited += step, step += step < 16) {
        if (kill_listed(path) <= 0)
            return 0;
        sleep_ms(step);
    }
    report("kill what is left in", path, EBUSY);
    return 0;
}

int op_rmdir(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run;
    const char *path = read_string(payload, NULL);
    if (payload_done(payload, f) < 0)
        return -1;
    for (long waited = 0, step = 1; rmdir(path) < 0; waited += step, step += step < 16) {
        if (errno == ENOENT)
            return 0;
        if (errno != EBUSY || waited >= PATIENCE_MS) {
            report("remove", path, errno);
            return 0;
        }
        sleep_ms(step);
    }
    return 0;
}

int op_unlink(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run;
    const char *path = read_string(payload, NULL);
    if (payload_done(payload, f) < 0)
        return -1;
    if (unlink(path) < 0 && errno != ENOENT)
        report("remove", path, errno);
    return 0;
}
