// SPDX-License-Identifier: Apache-2.0
/* Security labels, session keyrings, time offsets: what is set through /proc, or names a process.
 */
#include "kernel.h"
#include "operations.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define PROC_SUPER 0x9fa0
#define KEYCTL_JOIN_SESSION_KEYRING 1
#define KEYCTL_DESCRIBE 6
#define KEYCTL_SETPERM 5
#define KEY_USR_SEARCH 0x00080000u

/*
 * A file of `self` or `thread-self` in the host's procfs, which was opened before the container's
 * mounts were made: an image that puts a file or another procfs file over /proc/self/attr/exec
 * would have the label go elsewhere (CVE-2019-16884, CVE-2025-52881). Nothing mounted below is
 * crossed.
 */
static int open_own_file(int proc, const char *whose, const char *name, int flags)
{
    struct statfs fs;
    if (fstatfs(proc, &fs) < 0)
        return -1;
    if (fs.f_type != PROC_SUPER) {
        errno = EXDEV;
        return -1;
    }
    struct open_how_v0 how = {
        .flags = O_DIRECTORY | O_PATH | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH_ | RESOLVE_NO_XDEV_ | RESOLVE_NO_MAGICLINKS_,
    };
    int self = sys_openat2(proc, whose, &how);
    if (self < 0)
        return -1;
    how.flags = (uint64_t)flags | O_CLOEXEC;
    int fd = sys_openat2(self, name, &how), error = errno;
    close(self);
    errno = error;
    return fd;
}

int op_label(struct run *run, struct reader *payload, struct failure *f)
{
    uint32_t slot = read_u32(payload), size;
    const char *name = read_string(payload, NULL), *label = read_string(payload, &size);
    if (payload_done(payload, f) < 0)
        return -1;
    int proc = slot_fd(run, slot, f);
    if (proc < 0)
        return -1;
    int fd = open_own_file(proc, "thread-self", name, O_WRONLY);
    if (fd < 0)
        return fail_errno(f, errno, "open `/proc/thread-self/%s`", name);
    ssize_t n = write(fd, label, size);
    int error = errno;
    close(fd);
    if (n < 0)
        return fail_errno(f, error, "write `%s` to `/proc/thread-self/%s`", label, name);
    return n == (ssize_t)size ? 0 : fail_errno(f, EIO, "write `/proc/thread-self/%s`", name);
}

/*
 * Joins the session keyring of the name, or makes it: the container must not see the caller's
 * keys. Made searchable for its user, so that an exec'ed process finds it by name.
 */
int op_keyring(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run;
    char description[512];
    const char *name = read_string(payload, NULL);
    if (payload_done(payload, f) < 0)
        return -1;
    long key = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name);
    if (key < 0)
        return errno == ENOSYS ? 0 : fail_errno(f, errno, "join session keyring `%s`", name);
    /* "type;uid;gid;permissions in hexadecimal;name" (keyctl_describe(3)) */
    long n = syscall(SYS_keyctl, KEYCTL_DESCRIBE, key, description, sizeof(description));
    if (n < 0 || n > (long)sizeof(description))
        return fail_errno(f, n < 0 ? errno : ENAMETOOLONG, "describe session keyring `%s`", name);
    unsigned long uid, permissions;
    if (sscanf(description, "keyring;%lu;%*u;%lx;", &uid, &permissions) != 2)
        return fail_errno(f, EINVAL, "describe session keyring `%s`", name);
    /* Attack: another user of the machine makes a keyring of the name first, searchable for all. */
    if (uid != getuid())
        return fail_errno(f, EPERM, "session keyring `%s` belongs to uid %lu", name, uid);
    if (syscall(SYS_keyctl, KEYCTL_SETPERM, key, permissions | KEY_USR_SEARCH) < 0)
        return fail_errno(f, errno, "open session keyring `%s`", name);
    return 0;
}

/*
 * A new time namespace with its offsets, entered at once: unshare(2) puts only children into it,
 * and the offsets are fixed from the first member on (time_namespaces(7)).
 */
int op_time(struct run *run, struct reader *payload, struct failure *f)
{
    uint32_t slot = read_u32(payload), size;
    const uint8_t *offsets = read_bytes(payload, &size);
    if (payload_done(payload, f) < 0)
        return -1;
    int proc = slot_fd(run, slot, f);
    if (proc < 0)
        return -1;
    if (unshare(CLONE_NEWTIME) < 0)
        return fail_errno(f, errno, "make a time namespace");
    if (size > 0) {
        prctl(PR_SET_DUMPABLE, 1); /* else the file is the host root's: proc_pid(5) */
        int fd = open_own_file(proc, "self", "timens_offsets", O_WRONLY), failed = errno;
        prctl(PR_SET_DUMPABLE, 0);
        if (fd < 0)
            return fail_errno(f, failed, "open `/proc/self/timens_offsets`");
        ssize_t n = write(fd, offsets, size);
        int error = errno;
        close(fd);
        if (n != (ssize_t)size)
            return fail_errno(f, n < 0 ? error : EIO, "set time offsets `%.*s`", (int)size - 1,
                              (const char *)offsets);
    }
    int directory = open_own_file(proc, "self", "ns", O_DIRECTORY | O_PATH);
    if (directory < 0)
        return fail_errno(f, errno, "open `/proc/self/ns`");
    int fd = openat(directory, "time_for_children", O_RDONLY | O_CLOEXEC), failed = errno;
    close(directory);
    if (fd < 0)
        return fail_errno(f, failed, "open the new time namespace");
    int result =
        setns(fd, CLONE_NEWTIME) < 0 ? fail_errno(f, errno, "enter the time namespace") : 0;
    close(fd);
    return result;
}
