// SPDX-License-Identifier: Apache-2.0
/*
 * Values of the kernel. What is at /proc may be the image's, or have been exchanged by another
 * container that shares a volume: only a file of a procfs is written, found from its root without a
 * link or a mount on the way (CVE-2019-16884, CVE-2025-52881).
 */
#include "kernel.h"
#include "operations.h"
#include "resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#define PROC_ROOT_INODE 1 /* linux/proc_ns.h */

static int open_proc(const struct run *run, struct failure *f)
{
    struct statfs fs;
    struct stat st;
    int proc = open_in_root(run, "/proc", O_PATH | O_NOFOLLOW | O_DIRECTORY);
    if (proc < 0 || fstatfs(proc, &fs) < 0 || fstat(proc, &st) < 0) {
        int error = errno;
        if (proc >= 0)
            close(proc);
        return fail_errno(f, error, "open `/proc` of the container");
    }
    if (fs.f_type == PROC_SUPER_MAGIC_ && st.st_ino == PROC_ROOT_INODE)
        return proc;
    close(proc);
    return fail_code(f, FAILURE_SYSCALL, "it is not a procfs", "use `/proc` of the container");
}

int op_sysctl(struct run *run, struct reader *payload, struct failure *f)
{
    uint32_t size;
    const char *name = read_string(payload, NULL);
    const uint8_t *value = read_bytes(payload, &size);
    struct open_how_v0 how = {.flags = O_WRONLY | O_CLOEXEC | O_NOFOLLOW,
                              .resolve = RESOLVE_BENEATH_ | RESOLVE_NO_XDEV_ |
                                         RESOLVE_NO_SYMLINKS_ | RESOLVE_NO_MAGICLINKS_};
    if (payload_done(payload, f) < 0)
        return -1;
    int proc = open_proc(run, f);
    if (proc < 0)
        return -1;
    int sys = openat(proc, "sys", O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
    int file = sys < 0 ? -1 : sys_openat2(sys, name, &how);
    ssize_t n = file < 0 ? -1 : write(file, value, size);
    int error = errno;
    close(proc);
    if (sys >= 0)
        close(sys);
    if (file >= 0)
        close(file);
    if (file < 0)
        return fail_errno(f, error, "open `/proc/sys/%s` of the container", name);
    if (n < 0)
        return fail_errno(f, error, "write `%.*s` to `/proc/sys/%s`", (int)(size < 64 ? size : 64),
                          (const char *)value, name);
    return n == (ssize_t)size ? 0 : fail_errno(f, EIO, "write `/proc/sys/%s`", name);
}
