// SPDX-License-Identifier: Apache-2.0
/* Paths of a container: nothing an image contains leads out of the root. Needs no rights. */
#include "../resolve.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch[64], root[96];
static struct run run;

static void at_root(char *path, size_t size, const char *name)
{
    snprintf(path, size, "%s%s", root, name);
}

static void link_to(const char *target, const char *name)
{
    char path[PATH_MAX];
    at_root(path, sizeof(path), name);
    if (symlink(target, path) < 0)
        abort();
}

static mode_t mode_of(const char *name)
{
    char path[PATH_MAX];
    struct stat st;
    at_root(path, sizeof(path), name);
    return lstat(path, &st) < 0 ? 0 : st.st_mode;
}

/* Whether a descriptor is the file of that name in the root. */
static bool is(int fd, const char *name)
{
    char path[PATH_MAX];
    struct stat one, other;
    at_root(path, sizeof(path), name);
    return fd >= 0 && fstat(fd, &one) == 0 && stat(path, &other) == 0 && one.st_ino == other.st_ino;
}

/* Entries of the directory around the root: the root, and what a path that got out has made. */
static bool outside_is_clean(void)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/escaped", scratch);
    return access(path, F_OK) < 0 && access("/escaped", F_OK) < 0;
}

static void made(const char *path, bool file, const char *where, const char *name)
{
    struct failure f = {0};
    int before = count_descriptors();
    int fd = make_in_root(&run, path, file, &f);
    bool kind = file ? S_ISREG(mode_of(where)) : S_ISDIR(mode_of(where));
    ok(is(fd, where) && kind && outside_is_clean(), "%s: `%s` is %s in the root%s%s", name, path,
       where, fd < 0 ? ", not " : "", fd < 0 ? f.reason : "");
    if (fd >= 0)
        close(fd);
    ok(count_descriptors() == before, "%s: no descriptor stays open", name);
}

static void refused(const char *path, bool file, int error, const char *name)
{
    struct failure f = {0};
    int before = count_descriptors();
    int fd = make_in_root(&run, path, file, &f);
    ok(fd < 0 && f.errno_value == error && outside_is_clean() && count_descriptors() == before,
       "%s: refused, %s", name, fd < 0 ? f.reason : "no");
}

static void test_plain(void)
{
    made("/a/b/c", false, "/a/b/c", "missing directories");
    made("/a/b/c", false, "/a/b/c", "existing directories");
    made("/a/file", true, "/a/file", "a missing file");
    made("/a/file", true, "/a/file", "an existing file");
    made("/x/y/file", true, "/x/y/file", "a file in missing directories");
    made("/", false, "/", "the root itself");
    made("//d//e/", false, "/d/e", "more slashes than needed");
    made("/d/./e/../f", false, "/d/f", "dots");
    ok((mode_of("/a/b") & 07777) == 0755 && (mode_of("/a/file") & 07777) == 0644,
       "directories are 0755, files 0644");
    refused("/a/file/b", false, ENOTDIR, "a file in the way");
    refused("/a/file", false, ENOTDIR, "a file where a directory should be");
    refused("", false, ENOENT, "an empty path");
}

static void test_dots(void)
{
    made("/../../escaped", false, "/escaped", "dots above the root");
    made("/a/../../../escaped2/b", false, "/escaped2/b", "dots on the way");
}

static void test_links(void)
{
    link_to("../../..", "/up");
    link_to("/", "/slash");
    link_to("/a", "/absolute");
    link_to("a/b", "/relative");
    made("/up/escaped", false, "/escaped", "a link above the root");
    made("/slash/a/b", false, "/a/b", "a link to the root");
    made("/absolute/l1", false, "/a/l1", "an absolute link");
    made("/relative/l2", false, "/a/b/l2", "a relative link");
    made("/absolute/file", true, "/a/file", "a file behind a link");
}

static void test_dangling(void)
{
    link_to("/gone/deep", "/dangling");
    link_to("../../../gone2", "/a/dangling-up");
    link_to("dangling", "/second");
    link_to("/gone3/file", "/dangling-file");
    link_to("/gone4/x/", "/dangling-slash");
    made("/dangling/sub", false, "/gone/deep/sub", "a dangling absolute link");
    made("/a/dangling-up", false, "/gone2", "a dangling link above the root");
    made("/second/sub2", false, "/gone/deep/sub2", "a link to a link");
    made("/dangling-file", true, "/gone3/file", "a dangling link to a file");
    made("/dangling-slash", false, "/gone4/x", "a dangling link with a slash at its end");
    ok(S_ISLNK(mode_of("/dangling")), "the link stays");
}

static void test_loops(void)
{
    link_to("loop", "/loop");
    link_to("/ping", "/pong");
    link_to("/pong", "/ping");
    link_to("/self/x", "/self");
    refused("/loop/x", false, ELOOP, "a link to itself");
    refused("/ping", true, ELOOP, "two links to each other");
    refused("/self", false, ELOOP, "a link below itself");
    /* Each link is dangling until the one behind it is made: followed one by one. */
    for (int i = 0; i < 60; i++) {
        char target[32], name[32];
        snprintf(target, sizeof(target), "/chain%d/x", i + 1);
        snprintf(name, sizeof(name), "/chain%d", i);
        link_to(target, name);
    }
    refused("/chain0", false, ELOOP, "more dangling links than the kernel follows");
}

static void test_magic_links(void)
{
    int fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct run proc = empty_run();
    proc.root = fd;
    struct failure f = {0};
    ok(open_in_root(&proc, "/self/root/etc", O_PATH) < 0 && errno == ELOOP,
       "a magic link of /proc is not followed");
    ok(make_in_root(&proc, "/self/cwd/escaped", false, &f) < 0, "nor is anything made behind it");
    close(fd);
}

/* In a child with little stack: what an image asks for must not decide how much is used. */
static int long_paths(void *unused)
{
    (void)unused;
    char path[PATH_MAX] = "", target[PATH_MAX] = "";
    struct failure f = {0};
    for (int i = 0; i < 1500; i++)
        strcat(path, "/d");
    int fd = make_in_root(&run, path, false, &f);
    if (fd < 0)
        return 1;
    close(fd);
    for (int i = 0; i < 1500; i++)
        strcat(target, "/t");
    link_to(target, "/long");
    fd = make_in_root(&run, "/long", false, &f);
    return fd < 0 ? 2 : 0;
}

static void test_long(void)
{
    char path[PATH_MAX + 2];
    struct rlimit before, little = {1 << 20, 1 << 20};
    getrlimit(RLIMIT_STACK, &before);
    little.rlim_max = before.rlim_max;
    setrlimit(RLIMIT_STACK, &little);
    int status = in_child(long_paths, NULL);
    setrlimit(RLIMIT_STACK, &before);
    ok(status == 0, "1500 missing directories, also behind a link, on 1 MiB of stack (%d)", status);
    memset(path, 'a', sizeof(path));
    path[0] = '/';
    path[sizeof(path) - 1] = 0;
    refused(path, false, ENAMETOOLONG, "a name that is too long");
    path[2000] = '/';
    refused(path, false, ENAMETOOLONG, "a path that is too long");
}

static void test_parent(void)
{
    struct failure f = {0};
    const char *base;
    int fd = parent_in_root(&run, "/p/q/node", &base, &f);
    ok(is(fd, "/p/q") && strcmp(base, "node") == 0, "a parent is made, the last component named");
    close(fd);
    fd = parent_in_root(&run, "/node", &base, &f);
    ok(is(fd, "/") && strcmp(base, "node") == 0, "the root is a parent");
    close(fd);
    link_to("../../..", "/p/out");
    fd = parent_in_root(&run, "/p/out/escaped", &base, &f);
    ok(is(fd, "/"), "a parent behind a link is in the root");
    close(fd);
    ok(parent_in_root(&run, "/", &base, &f) < 0 && parent_in_root(&run, "node", &base, &f) < 0 &&
           parent_in_root(&run, "/a/", &base, &f) < 0,
       "a path without a last component is refused");
}

static void test_operations(void)
{
    uint8_t buffer[256];
    struct writer w;
    struct failure f = {0};
    write_begin(&w, buffer, sizeof(buffer), 21, 0);
    write_string(&w, "/proc/self/fd");
    write_string(&w, "/up/dev/fd");
    ok(perform(op_symlink, &run, &w, &f) == 0 && S_ISLNK(mode_of("/dev/fd")),
       "SYMLINK makes its link in the root");
    write_begin(&w, buffer, sizeof(buffer), 21, 0);
    write_string(&w, "other");
    write_string(&w, "/dev/fd");
    ok(perform(op_symlink, &run, &w, &f) == 0, "SYMLINK leaves an existing entry");
    for (int again = 0; again < 2; again++) {
        write_begin(&w, buffer, sizeof(buffer), 20, 0);
        write_string(&w, "/dev/fifo");
        write_u32(&w, S_IFIFO | 0622);
        write_u32(&w, 0);
        write_u32(&w, 0);
        write_u32(&w, getuid());
        write_u32(&w, getgid());
        mode_t mask = umask(077);
        ok(perform(op_mknod, &run, &w, &f) == 0 && mode_of("/dev/fifo") == (S_IFIFO | 0622),
           "MKNOD: the mode is exact, and an existing node of the kind is kept");
        umask(mask);
    }
    write_begin(&w, buffer, sizeof(buffer), 20, 0);
    write_string(&w, "/a/file");
    for (int i = 0; i < 5; i++)
        write_u32(&w, i == 0 ? S_IFIFO | 0600 : 0);
    ok(perform(op_mknod, &run, &w, &f) < 0 && f.errno_value == EEXIST,
       "MKNOD refuses another file in its place");
    write_begin(&w, buffer, sizeof(buffer), 27, 0);
    write_string(&w, "/w/x");
    ok(perform(op_mkdir, &run, &w, &f) == 0 && S_ISDIR(mode_of("/w/x")), "MKDIR makes directories");
    write_begin(&w, buffer, sizeof(buffer), 27, 0);
    write_string(&w, "/a/file/x");
    ok(perform(op_mkdir, &run, &w, &f) < 0 && f.errno_value == ENOTDIR, "MKDIR says why not");
}

/* Destinations of mounts: links may lead anywhere in the root but to /proc, or are forbidden. */
static void test_destinations(void)
{
    struct failure f = {0};
    int before = count_descriptors();
    ok(target_in_root(&run, "/proc/x", false, false, &f) >= 0, "a new path without links");
    link_to("/proc", "/to-proc");
    link_to("proc/..", "/to-root");
    int fd = target_in_root(&run, "/to-root/fresh", false, true, &f);
    ok(is(fd, "/fresh"), "through a link that leads elsewhere");
    close(fd);
    ok(target_in_root(&run, "/to-root/fresh", false, false, &f) < 0 && f.errno_value == 0 &&
           strstr(f.reason, "on the way") != NULL,
       "where no link may be on the way");
    ok(target_in_root(&run, "/to-proc", false, true, &f) < 0 &&
           strstr(f.reason, "leads into /proc") != NULL,
       "a link to where the procfs will be");
    fd = target_in_root(&run, "/to-proc/meminfo", true, true, &f);
    ok(is(fd, "/proc/meminfo"), "a link to below a /proc that is no procfs");
    close(fd);
    struct run host = {.root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};
    char inside[128];
    snprintf(inside, sizeof(inside), "%s/to-host-proc/sys", root);
    link_to("/proc", "/to-host-proc");
    ok(target_in_root(&host, inside, false, true, &f) < 0 &&
           strstr(f.reason, "leads into /proc") != NULL,
       "a link into a procfs");
    close(host.root);
    ok(count_descriptors() == before + 1, "descriptors are closed again");
}

int main(void)
{
    make_scratch(scratch, sizeof(scratch));
    snprintf(root, sizeof(root), "%s/root", scratch);
    mkdir(root, 0755);
    run = empty_run();
    run.root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    umask(022);
    test_plain();
    test_dots();
    test_links();
    test_dangling();
    test_loops();
    test_magic_links();
    test_long();
    test_parent();
    test_operations();
    test_destinations();
    close(run.root);
    remove_tree(scratch);
    return tap_done();
}
