// SPDX-License-Identifier: Apache-2.0
/*
 * `--no-pivot`: the old root stays in the mount namespace, under the new one. A procfs or sysfs
 * there counts as visible, so that a process of the container could mount an unmasked one in a user
 * namespace of its own (mount_too_revealing in the kernel's fs/namespace.c).
 */
#include "no_pivot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define MOUNTS_MAX (16u << 20)

/* The whole of /proc/self/mountinfo, NUL-terminated, from malloc. */
static char *read_mounts(struct failure *f)
{
    int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    size_t size = 0, room = 65536;
    char *text = fd < 0 ? NULL : malloc(room);
    ssize_t n = -1;
    while (text != NULL && (n = read(fd, text + size, room - size - 1)) > 0) {
        size += (size_t)n;
        if (room - size > 4096)
            continue;
        char *larger = room < MOUNTS_MAX ? realloc(text, room *= 2) : NULL;
        if (larger == NULL) {
            errno = ENOMEM;
            n = -1;
            break;
        }
        text = larger;
    }
    int error = errno;
    if (fd >= 0)
        close(fd);
    if (n == 0) {
        text[size] = 0;
        return text;
    }
    free(text);
    fail_errno(f, error, "read `/proc/self/mountinfo`");
    return NULL;
}

/* Undoes the \\ooo with which the kernel writes white space and backslashes; in place. */
static void unescape(char *path)
{
    char *to = path;
    for (const char *at = path; *at != 0; to++) {
        if (at[0] == '\\' && at[1] >= '0' && at[1] <= '3' && at[2] != 0 && at[3] != 0) {
            *to = (char)((at[1] - '0') * 64 + (at[2] - '0') * 8 + (at[3] - '0'));
            at += 4;
        } else {
            *to = *at++;
        }
    }
    *to = 0;
}

/* The mount point of a line that shows a procfs or sysfs, else NULL; the line is cut up. */
static char *kernel_view(char *line)
{
    char *rest = strstr(line, " - ");
    if (rest == NULL || (strncmp(rest, " - proc ", 8) != 0 && strncmp(rest, " - sysfs ", 9) != 0))
        return NULL;
    char *at = line; /* id, parent, device, root, mount point */
    for (int field = 0; field < 4 && at != NULL; field++)
        at = strchr(at + (field > 0), ' ');
    if (at == NULL || at > rest)
        return NULL;
    char *end = strchr(++at, ' ');
    if (end == NULL)
        return NULL;
    *end = 0;
    unescape(at);
    return at;
}

static int hide(const char *path, struct failure *f)
{
    if (umount2(path, MNT_DETACH) == 0 || errno == ENOENT)
        return 0;
    /* In a user namespace what was inherited cannot be taken away: it is covered then. */
    if ((errno == EPERM || errno == EINVAL) &&
        mount("tmpfs", path, "tmpfs", MS_RDONLY, "size=4k") == 0)
        return 0;
    return fail_errno(f, errno, "hide `%s`", path);
}

int hide_kernel_views(const struct run *run, struct failure *f)
{
    char link[48], root[PATH_MAX];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", run->root);
    ssize_t length = readlink(link, root, sizeof(root) - 1);
    if (length < 0)
        return fail_errno(f, errno, "read `%s`", link);
    root[length] = 0;
    char *mounts = read_mounts(f), *save = NULL;
    int result = mounts == NULL ? -1 : 0;
    char *line = result < 0 ? NULL : strtok_r(mounts, "\n", &save);
    for (; line != NULL && result == 0; line = strtok_r(NULL, "\n", &save)) {
        const char *path = kernel_view(line);
        bool inside = path != NULL && strncmp(path, root, (size_t)length) == 0 &&
                      (path[length] == '/' || path[length] == 0);
        if (path != NULL && !inside)
            result = hide(path, f);
    }
    free(mounts);
    return result;
}
