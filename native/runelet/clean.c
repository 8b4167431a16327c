// SPDX-License-Identifier: Apache-2.0
/*
 * Cleaning up after a container. A failure is reported and the next operation still runs, so that
 * no more than necessary stays behind.
 */
#include "operations.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CODE_REPORT 69
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

/* SIGKILL to what `cgroup.procs` in the directory lists. */
static void kill_listed(int directory)
{
    char line[32];
    int fd = openat(directory, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        pid_t pid = atoi(line);
        if (pid > 1 && pid != getpid())
            kill(pid, SIGKILL);
    }
    if (file != NULL)
        fclose(file);
}

static int open_directory(int parent, const char *name)
{
    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Removes the children that are empty and counts them. Returns one that is not, open, or -1. */
static int remove_children(int directory, bool kill_all, unsigned *removed)
{
    int busy = -1, fd = open_directory(directory, ".");
    DIR *list = fd < 0 ? NULL : fdopendir(fd);
    for (struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;) {
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
            continue;
        if (unlinkat(directory, entry->d_name, AT_REMOVEDIR) == 0) {
            (*removed)++;
            continue;
        }
        int child = open_directory(directory, entry->d_name);
        if (child >= 0 && kill_all)
            kill_listed(child);
        if (child >= 0 && busy >= 0)
            close(child);
        else if (child >= 0)
            busy = child;
    }
    if (list != NULL)
        closedir(list);
    return busy;
}

/*
 * Goes down to where a cgroup is empty and up again, removing. A container that may write its
 * cgroups chooses how deep they are: no recursion, and never more than a few descriptors. Stops at
 * a cgroup that still has processes.
 */
static void remove_below(const char *path, bool kill_all)
{
    int at = open_directory(AT_FDCWD, path);
    if (at >= 0 && kill_all)
        kill_listed(at);
    unsigned depth = 0;
    for (bool from_below = false; at >= 0;) {
        unsigned removed = 0;
        int next = remove_children(at, kill_all, &removed);
        bool stuck = from_below && removed == 0 && next >= 0;
        if (stuck)
            close(next);
        if (stuck || (next < 0 && depth == 0))
            break;
        from_below = next < 0;
        depth = from_below ? depth - 1 : depth + 1;
        if (from_below)
            next = openat(at, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        close(at);
        at = next;
    }
    if (at >= 0)
        close(at);
}

/* Goes on with the plan's report, past all that would clean up. */
static void skip_to_report(struct run *run)
{
    struct record record;
    for (struct reader next = run->next; record_next(&next, &record); run->index++) {
        if (record.code == CODE_REPORT)
            return;
        run->next = next;
    }
}

int op_claim(struct run *run, struct reader *payload, struct failure *f)
{
    uint32_t slot = read_u32(payload);
    bool hold = read_u32(payload) != 0;
    struct stat st;
    if (payload_done(payload, f) < 0)
        return -1;
    int fd = slot_fd(run, slot, f);
    if (fd < 0)
        return -1;
    while (flock(fd, LOCK_EX) < 0)
        if (errno != EINTR)
            return fail_errno(f, errno, "lock the container");
    if (fstat(fd, &st) < 0)
        return fail_errno(f, errno, "stat the container's directory");
    if (st.st_nlink == 0)
        skip_to_report(run);
    if (!hold)
        flock(fd, LOCK_UN);
    return 0;
}

int op_cgroup_remove(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run;
    const char *path = read_string(payload, NULL);
    bool kill_all = read_u32(payload) != 0;
    if (payload_done(payload, f) < 0)
        return -1;
    for (long waited = 0, step = 1; rmdir(path) < 0; waited += step, step += step < 16) {
        if (errno == ENOENT)
            return 0;
        if (errno != EBUSY || waited >= PATIENCE_MS) {
            report("remove cgroup", path, errno);
            return 0;
        }
        remove_below(path, kill_all);
        sleep_ms(step);
    }
    return 0;
}

int op_rmdir(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run;
    const char *path = read_string(payload, NULL);
    if (payload_done(payload, f) < 0)
        return -1;
    if (rmdir(path) < 0 && errno != ENOENT)
        report("remove", path, errno);
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
