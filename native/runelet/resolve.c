// SPDX-License-Identifier: Apache-2.0
#include "resolve.h"

#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40 /* MAXSYMLINKS of the kernel */

int open_in_root(const struct run *run, const char *path, int flags)
{
    struct open_how_v0 how = {.flags = (uint64_t)flags | O_CLOEXEC,
                              .resolve = RESOLVE_IN_ROOT_ | RESOLVE_NO_MAGICLINKS_};
    int fd;
    /* EAGAIN: something was renamed meanwhile and the kernel could not prove the result safe. */
    for (int tries = 0; tries < 32; tries++) {
        fd = sys_openat2(run->root, path, &how);
        if (fd >= 0 || errno != EAGAIN)
            break;
    }
    return fd;
}

/* Splits "/a/b" into "/a" (in buffer) and "b"; "/b" gives "/" and "b". */
static const char *split(const char *path, char *parent, size_t size)
{
    size_t length = strlen(path);
    if (length >= size)
        return NULL;
    memcpy(parent, path, length + 1);
    char *slash = strrchr(parent, '/');
    if (slash == NULL || slash[1] == 0)
        return NULL;
    const char *base = path + (slash - parent) + 1;
    slash[slash == parent ? 1 : 0] = 0;
    return base;
}

static int make_at_depth(const struct run *run, const char *path, bool file, int depth,
                         struct failure *f);

/* A dangling link: what it names is made instead. */
static int make_link_target(const struct run *run, const char *parent, const char *target,
                            bool file, int depth, struct failure *f)
{
    char path[PATH_MAX];
    int n = target[0] == '/' ? snprintf(path, sizeof(path), "%s", target)
                             : snprintf(path, sizeof(path), "%s/%s", parent, target);
    if (n < 0 || (size_t)n >= sizeof(path))
        return fail_errno(f, ENAMETOOLONG, "make `%s`", target);
    return make_at_depth(run, path, file, depth + 1, f);
}

static int make_entry(int parent, const char *base, bool file)
{
    if (!file)
        return mkdirat(parent, base, 0755);
    int fd = openat(parent, base, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_WRONLY, 0644);
    if (fd >= 0)
        close(fd);
    return fd < 0 ? -1 : 0;
}

/* Makes the last component of a path whose directory exists. */
static int make_last(const struct run *run, const char *path, bool file, int depth,
                     struct failure *f)
{
    char parent[PATH_MAX], target[PATH_MAX];
    int kind = file ? O_PATH : O_PATH | O_DIRECTORY;
    int fd = open_in_root(run, path, kind);
    if (fd >= 0)
        return fd;
    if (errno != ENOENT)
        return fail_errno(f, errno, "open `%s` in the root", path);
    const char *base = split(path, parent, sizeof(parent));
    if (base == NULL || depth > LINKS_MAX)
        return fail_errno(f, base == NULL ? ENOENT : ELOOP, "make `%s` in the root", path);
    int dir = open_in_root(run, parent, O_PATH | O_DIRECTORY);
    if (dir < 0)
        return fail_errno(f, errno, "open `%s` in the root", parent);
    ssize_t n = readlinkat(dir, base, target, sizeof(target) - 1);
    if (n >= 0) {
        target[n] = 0;
        close(dir);
        return make_link_target(run, parent, target, file, depth, f);
    }
    int made = make_entry(dir, base, file);
    int error = errno;
    close(dir);
    if (made < 0 && error != EEXIST)
        return fail_errno(f, error, "make `%s` in the root", path);
    fd = open_in_root(run, path, kind);
    return fd >= 0 ? fd : fail_errno(f, errno, "open `%s` in the root", path);
}

/*
 * From the top, one component after the other. Recursion is for dangling links only: an image, with
 * a link to two thousand missing directories, must not choose how much of the stack is used.
 */
static int make_at_depth(const struct run *run, const char *path, bool file, int depth,
                         struct failure *f)
{
    char prefix[PATH_MAX];
    int fd = open_in_root(run, path, file ? O_PATH : O_PATH | O_DIRECTORY);
    if (fd >= 0)
        return fd;
    if (errno != ENOENT)
        return fail_errno(f, errno, "open `%s` in the root", path);
    const char *slash = strchr(path + strspn(path, "/"), '/');
    for (; slash != NULL; slash = strchr(slash + 1, '/')) {
        size_t length = (size_t)(slash - path);
        if (length >= sizeof(prefix))
            return fail_errno(f, ENAMETOOLONG, "make `%s` in the root", path);
        memcpy(prefix, path, length);
        prefix[length] = 0;
        if (slash[-1] == '/')
            continue;
        int directory = make_last(run, prefix, false, depth, f);
        if (directory < 0)
            return -1;
        close(directory);
    }
    return make_last(run, path, file, depth, f);
}

int make_in_root(const struct run *run, const char *path, bool file, struct failure *f)
{
    return make_at_depth(run, path, file, 0, f);
}

int parent_in_root(const struct run *run, const char *path, const char **base, struct failure *f)
{
    char parent[PATH_MAX];
    *base = split(path, parent, sizeof(parent));
    if (*base == NULL)
        return fail_errno(f, EINVAL, "make `%s` in the root", path);
    return make_in_root(run, parent, false, f);
}
