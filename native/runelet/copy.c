// SPDX-License-Identifier: Apache-2.0
#include "copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define DEPTH_MAX 128 /* two descriptors each: within the usual limit of 1024 */
#define CHUNK (1u << 30)

static int copy_level(int from, int to, const char *path, int depth, struct failure *f);

/* Attributes that the target cannot have (or that its rules keep for others) are left out. */
static int copy_attributes(int from, int to)
{
    char names[4096], value[4096];
    ssize_t size = flistxattr(from, names, sizeof(names));
    for (const char *name = names; size > 0 && name < names + size; name += strlen(name) + 1) {
        ssize_t n = fgetxattr(from, name, value, sizeof(value));
        if (n >= 0 && fsetxattr(to, name, value, (size_t)n, 0) < 0 && errno == ENOSPC)
            return -1;
    }
    return 0;
}

/* Owner before mode: a change of owner takes set-user-id away. */
static int finish(int from, int to, const struct stat *st)
{
    const struct timespec times[2] = {st->st_atim, st->st_mtim};
    if (fchown(to, st->st_uid, st->st_gid) < 0 || fchmod(to, st->st_mode & 07777) < 0 ||
        copy_attributes(from, to) < 0)
        return -1;
    return futimens(to, times);
}

static int copy_content(int from, int to)
{
    ssize_t n;
    do
        n = sendfile(to, from, NULL, CHUNK);
    while (n > 0 || (n < 0 && errno == EINTR));
    return n < 0 ? -1 : 0;
}

static int copy_file(int from, int to, const char *name, const struct stat *st)
{
    struct stat opened;
    /* What has become a fifo meanwhile does not block, and is not copied. */
    int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (in < 0)
        return -1;
    int out = -1, copied = -1;
    if (fstat(in, &opened) == 0 && S_ISREG(opened.st_mode) && opened.st_ino == st->st_ino)
        out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    else
        errno = ESTALE;
    if (out >= 0 && copy_content(in, out) == 0)
        copied = finish(in, out, &opened);
    int error = errno;
    close(in);
    if (out >= 0)
        close(out);
    errno = error;
    return copied;
}

static int copy_link(int from, int to, const char *name, const struct stat *st)
{
    char target[PATH_MAX];
    ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);
    if (n < 0)
        return -1;
    target[n] = 0;
    return symlinkat(target, to, name) < 0
               ? -1
               : fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW);
}

static int copy_node(int to, const char *name, const struct stat *st)
{
    if (mknodat(to, name, st->st_mode, st->st_rdev) < 0)
        return -1;
    return fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
                   fchmodat(to, name, st->st_mode & 07777, 0) < 0
               ? -1
               : 0;
}

static int copy_below(int from, int to, const char *name, const char *path, int depth,
                      struct failure *f)
{
    int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
    int out = in < 0 || mkdirat(to, name, 0700) < 0
                  ? -1
                  : openat(to, name, O_RDONLY | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
    int copied = out < 0 ? fail_errno(f, errno, "copy `%s` of `%s`", name, path)
                         : copy_level(in, out, path, depth + 1, f);
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return copied;
}

static int copy_entry(int from, int to, const char *name, const char *path, dev_t device, int depth,
                      struct failure *f)
{
    struct stat st;
    if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : fail_errno(f, errno, "copy `%s` of `%s`", name, path);
    if (st.st_dev != device || S_ISSOCK(st.st_mode))
        return 0;
    if (S_ISDIR(st.st_mode))
        return copy_below(from, to, name, path, depth, f);
    int copied = S_ISREG(st.st_mode)   ? copy_file(from, to, name, &st)
                 : S_ISLNK(st.st_mode) ? copy_link(from, to, name, &st)
                                       : copy_node(to, name, &st);
    return copied < 0 ? fail_errno(f, errno, "copy `%s` of `%s`", name, path) : 0;
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int copy_level(int from, int to, const char *path, int depth, struct failure *f)
{
    struct stat st;
    if (depth > DEPTH_MAX)
        return fail_errno(f, ELOOP, "copy `%s`: it is nested too deeply", path);
    int list = fcntl(from, F_DUPFD_CLOEXEC, 3);
    DIR *entries = list < 0 ? NULL : fdopendir(list);
    if (entries == NULL || fstat(from, &st) < 0)
        return fail_errno(f, errno, "read `%s`", path);
    int result = 0;
    for (const struct dirent *entry; result == 0 && (entry = readdir(entries)) != NULL;) {
        if (!is_dots(entry->d_name))
            result = copy_entry(from, to, entry->d_name, path, st.st_dev, depth, f);
    }
    closedir(entries);
    if (result == 0 && finish(from, to, &st) < 0)
        return fail_errno(f, errno, "copy the attributes of `%s`", path);
    return result;
}

int copy_directory(int from, int to, const char *path, struct failure *f)
{
    /* A descriptor of fsmount(2) names the place but cannot be used for it. */
    int target = openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (target < 0)
        return fail_errno(f, errno, "open the new file system on `%s`", path);
    struct stat st;
    int copied = fstat(target, &st) < 0 ? fail_errno(f, errno, "stat `%s`", path)
                                        : copy_level(from, target, path, 0, f);
    /* The file system was made with the mode it is to have. */
    if (copied == 0 && fchmod(target, st.st_mode & 07777) < 0)
        copied = fail_errno(f, errno, "set the mode of `%s`", path);
    close(target);
    return copied;
}
