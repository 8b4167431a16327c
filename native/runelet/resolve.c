// SPDX-License-Identifier: Apache-2.0
#include "resolve.h"

#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
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

/* As open_in_root; says whether a link was followed, at no cost where there is none. */
static int open_noting_links(const struct run *run, const char *path, int flags, bool *followed)
{
    struct open_how_v0 how = {.flags = (uint64_t)flags | O_CLOEXEC,
                              .resolve =
                                  RESOLVE_IN_ROOT_ | RESOLVE_NO_MAGICLINKS_ | RESOLVE_NO_SYMLINKS_};
    int fd = sys_openat2(run->root, path, &how);
    if (fd >= 0 || (errno != ELOOP && errno != EAGAIN))
        return fd;
    *followed = true; /* EAGAIN: not known, so taken for the worse */
    return open_in_root(run, path, flags);
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

/* How a path is made: the kind of its last component, what was met on the way. */
struct making {
    bool file;
    bool followed; /* a symbolic link */
};

static int make_at_depth(const struct run *run, const char *path, struct making *making, int depth,
                         struct failure *f);

/* A dangling link: what it names is made instead. */
static int make_link_target(const struct run *run, const char *parent, const char *target,
                            struct making *making, int depth, struct failure *f)
{
    char path[PATH_MAX];
    int n = target[0] == '/' ? snprintf(path, sizeof(path), "%s", target)
                             : snprintf(path, sizeof(path), "%s/%s", parent, target);
    if (n < 0 || (size_t)n >= sizeof(path))
        return fail_errno(f, ENAMETOOLONG, "make `%s`", target);
    return make_at_depth(run, path, making, depth + 1, f);
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
static int make_last(const struct run *run, const char *path, struct making *making, int depth,
                     struct failure *f)
{
    char parent[PATH_MAX], target[PATH_MAX];
    int kind = making->file ? O_PATH : O_PATH | O_DIRECTORY;
    int fd = open_noting_links(run, path, kind, &making->followed);
    if (fd >= 0)
        return fd;
    if (errno != ENOENT)
        return fail_errno(f, errno, "open `%s` in the root", path);
    const char *base = split(path, parent, sizeof(parent));
    if (base == NULL || depth > LINKS_MAX)
        return fail_errno(f, base == NULL ? ENOENT : ELOOP, "make `%s` in the root", path);
    int dir = open_noting_links(run, parent, O_PATH | O_DIRECTORY, &making->followed);
    if (dir < 0)
        return fail_errno(f, errno, "open `%s` in the root", parent);
    ssize_t n = readlinkat(dir, base, target, sizeof(target) - 1);
    if (n >= 0) {
        target[n] = 0;
        close(dir);
        making->followed = true;
        return make_link_target(run, parent, target, making, depth, f);
    }
    int made = make_entry(dir, base, making->file);
    int error = errno;
    close(dir);
    if (made < 0 && error != EEXIST)
        return fail_errno(f, error, "make `%s` in the root", path);
    fd = open_noting_links(run, path, kind, &making->followed);
    return fd >= 0 ? fd : fail_errno(f, errno, "open `%s` in the root", path);
}

/*
 * From the top, one component after the other. Recursion is for dangling links only: an image, with
 * a link to two thousand missing directories, must not choose how much of the stack is used.
 */
static int make_at_depth(const struct run *run, const char *path, struct making *making, int depth,
                         struct failure *f)
{
    char prefix[PATH_MAX];
    struct making above = {0};
    int fd = open_noting_links(run, path, making->file ? O_PATH : O_PATH | O_DIRECTORY,
                               &making->followed);
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
        int directory = make_last(run, prefix, &above, depth, f);
        if (directory < 0)
            return -1;
        close(directory);
    }
    making->followed |= above.followed;
    return make_last(run, path, making, depth, f);
}

int make_in_root(const struct run *run, const char *path, bool file, struct failure *f)
{
    struct making making = {.file = file};
    return make_at_depth(run, path, &making, 0, f);
}

/* Whether a descriptor is in a procfs, or is the directory where the container's will be. */
static bool is_of_proc(const struct run *run, int fd)
{
    struct statfs fs;
    struct stat here, proc;
    if (fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC_)
        return true;
    int at = open_in_root(run, "/proc", O_PATH | O_NOFOLLOW);
    bool same = at >= 0 && fstat(at, &proc) == 0 && fstat(fd, &here) == 0 &&
                proc.st_dev == here.st_dev && proc.st_ino == here.st_ino;
    if (at >= 0)
        close(at);
    return same;
}

int target_in_root(const struct run *run, const char *path, bool file, bool links,
                   struct failure *f)
{
    struct making making = {.file = file};
    int fd = make_at_depth(run, path, &making, 0, f);
    if (fd < 0 || !making.followed)
        return fd;
    const char *why = !links                ? "a symbolic link is on the way there"
                      : is_of_proc(run, fd) ? "a symbolic link leads into /proc"
                                            : NULL;
    if (why == NULL)
        return fd;
    close(fd);
    return fail_code(f, FAILURE_SYSCALL, why, "mount on `%s`", path);
}

int parent_in_root(const struct run *run, const char *path, const char **base, struct failure *f)
{
    char parent[PATH_MAX];
    *base = split(path, parent, sizeof(parent));
    if (*base == NULL)
        return fail_errno(f, EINVAL, "make `%s` in the root", path);
    return make_in_root(run, parent, false, f);
}
