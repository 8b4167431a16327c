// SPDX-License-Identifier: Apache-2.0
/* Copies of directories, and what of a procfs or sysfs is found in mountinfo. Needs no rights. */
#include "../no_pivot.c"

#include "../copy.h"
#include "support.h"

#include <sys/stat.h>

static char from[64], to[64];

static int open_directory(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void write_file(const char *name, size_t size, mode_t mode)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", from, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)size) < 0 || fchmod(fd, mode) < 0)
        abort();
    close(fd);
}

static struct stat stat_of(const char *name)
{
    char path[PATH_MAX];
    struct stat st = {0};
    snprintf(path, sizeof(path), "%s/%s", to, name);
    lstat(path, &st);
    return st;
}

static int copy(struct failure *f)
{
    int in = open_directory(from), out = open_directory(to);
    *f = (struct failure){0};
    int result = copy_directory(in, out, "/data", f);
    close(in);
    close(out);
    return result;
}

static void test_copy(void)
{
    char path[PATH_MAX];
    struct failure f;
    snprintf(path, sizeof(path), "%s/below", from);
    if (mkdir(path, 0750) < 0)
        abort();
    write_file("below/file", 70000, 04755);
    snprintf(path, sizeof(path), "%s/link", from);
    if (symlink("/nowhere", path) < 0)
        abort();
    snprintf(path, sizeof(path), "%s/fifo", from);
    if (mkfifo(path, 0622) < 0)
        abort();
    chmod(to, 0711);
    int before = count_descriptors();
    ok(copy(&f) == 0, "a directory is copied");
    ok(count_descriptors() == before, "no descriptor is left open");
    ok(stat_of("below").st_mode == (S_IFDIR | 0750), "a directory's mode");
    ok(stat_of("below/file").st_mode == (S_IFREG | 04755), "a file's mode, set-user-id too");
    ok(stat_of("below/file").st_size == 70000, "a file's content");
    ok(S_ISLNK(stat_of("link").st_mode), "a dangling link is copied, not followed");
    ok(S_ISFIFO(stat_of("fifo").st_mode), "a fifo is copied, not read");
    ok(stat_of(".").st_mode == (S_IFDIR | 0711), "the new root keeps its mode");
    ok(copy(&f) < 0 && f.errno_value == EEXIST, "nothing that exists is overwritten");
    ok(count_descriptors() == before, "no descriptor is left open by a failure");
}

static void test_nesting(void)
{
    struct failure f;
    int before = count_descriptors();
    int at = open_directory(from);
    for (int depth = 0; depth < 200 && at >= 0; depth++) {
        int next = mkdirat(at, "d", 0755) < 0 ? -1 : openat(at, "d", O_RDONLY | O_CLOEXEC);
        close(at);
        at = next;
    }
    close(at);
    ok(copy(&f) < 0 && f.errno_value == ELOOP, "a nesting without end is refused");
    ok(count_descriptors() == before, "and all is closed again");
}

static void found(const char *line, const char *expected, const char *what)
{
    char copy_of_line[512];
    snprintf(copy_of_line, sizeof(copy_of_line), "%s", line);
    const char *path = kernel_view(copy_of_line);
    ok(expected == NULL ? path == NULL : path != NULL && strcmp(path, expected) == 0, "%s", what);
}

static void test_kernel_views(void)
{
    found("22 26 0:20 / /proc rw,relatime - proc proc rw", "/proc", "a procfs");
    found("22 26 0:20 / /a/sys rw shared:4 - sysfs x rw", "/a/sys", "a sysfs with optional fields");
    found("22 26 0:20 / /a\\040b\\134c rw - proc proc rw", "/a b\\c", "a mount point with escapes");
    found("22 26 0:20 / /proc rw - tmpfs proc rw", NULL, "a tmpfs by the name of proc");
    found("22 26 0:20 / /x rw - procfs proc rw", NULL, "a type that begins alike");
    found("22 - proc proc rw", NULL, "a line without a mount point");
    found("", NULL, "an empty line");
    char path[] = "\\1", cut[] = "a\\", high[] = "\\777";
    unescape(path), unescape(cut), unescape(high);
    ok(strcmp(path, "\\1") == 0 && strcmp(cut, "a\\") == 0, "half an escape is left alone");
    ok(strcmp(high, "\\777") == 0, "an escape that is no byte is left alone");
}

int main(void)
{
    umask(022);
    make_scratch(from, sizeof(from));
    make_scratch(to, sizeof(to));
    test_copy();
    remove_tree(from);
    remove_tree(to);
    make_scratch(from, sizeof(from));
    make_scratch(to, sizeof(to));
    test_nesting();
    remove_tree(from);
    remove_tree(to);
    test_kernel_views();
    return tap_done();
}
