// SPDX-License-Identifier: Apache-2.0
/* The host side: cgroups, existing namespaces, bind sources, and the split into parent and child.
 */
#include "channel.h"
#include "kernel.h"
#include "operations.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* The files of a non-dumpable process belong to the host's root (proc_pid(5)); not to its owner. */
static int open_for_writing(const char *path)
{
    bool own = strncmp(path, "/proc/self/", strlen("/proc/self/")) == 0;
    if (own)
        prctl(PR_SET_DUMPABLE, 1);
    int fd = open(path, O_WRONLY | O_CLOEXEC), error = errno;
    if (own)
        prctl(PR_SET_DUMPABLE, 0);
    errno = error;
    return fd;
}

int op_write_file(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run;
    uint32_t size;
    const char *path = read_string(payload, NULL);
    const uint8_t *data = read_bytes(payload, &size);
    if (payload_done(payload, f) < 0)
        return -1;
    int fd = open_for_writing(path);
    if (fd < 0)
        return fail_errno(f, errno, "open `%s`", path);
    ssize_t n = write(fd, data, size);
    int error = errno;
    close(fd);
    if (n < 0)
        return fail_errno(f, error, "write `%.*s` to `%s`", (int)(size < 64 ? size : 64),
                          (const char *)data, path);
    return n == (ssize_t)size ? 0 : fail_errno(f, EIO, "write `%s`", path);
}

int op_setns(struct run *run, struct reader *payload, struct failure *f)
{
    uint32_t slot = read_u32(payload), types = read_u32(payload);
    if (payload_done(payload, f) < 0)
        return -1;
    int fd = slot_fd(run, slot, f);
    if (fd < 0)
        return -1;
    return setns(fd, (int)types) < 0 ? fail_errno(f, errno, "join namespaces %#x", types) : 0;
}

int op_open_tree(struct run *run, struct reader *payload, struct failure *f)
{
    uint32_t slot = read_u32(payload);
    const char *path = read_string(payload, NULL);
    uint32_t recursive = read_u32(payload);
    if (payload_done(payload, f) < 0)
        return -1;
    unsigned flags = OPEN_TREE_CLONE_ | OPEN_TREE_CLOEXEC_ | (recursive ? AT_RECURSIVE_ : 0);
    int fd = sys_open_tree(AT_FDCWD, path, flags);
    if (fd < 0)
        return fail_errno(f, errno, "open mount source `%s`", path);
    return slot_fill(run, slot, fd, f);
}

int op_open(struct run *run, struct reader *payload, struct failure *f)
{
    uint32_t slot = read_u32(payload);
    const char *path = read_string(payload, NULL);
    uint32_t flags = read_u32(payload);
    if (payload_done(payload, f) < 0)
        return -1;
    int fd = open(path, (int)flags | O_CLOEXEC);
    return fd < 0 ? fail_errno(f, errno, "open `%s`", path) : slot_fill(run, slot, fd, f);
}

int op_unshare(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run;
    uint64_t flags = read_u64(payload);
    if (payload_done(payload, f) < 0)
        return -1;
    return unshare((int)flags) < 0
               ? fail_errno(f, errno, "unshare %#llx", (unsigned long long)flags)
               : 0;
}

int op_setsid(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run;
    if (payload_done(payload, f) < 0)
        return -1;
    return setsid() < 0 ? fail_errno(f, errno, "setsid") : 0;
}

enum mapping { MAPPING_DENY_SETGROUPS = 1, MAPPING_ASK = 2 };

struct maps {
    const char *uid, *gid;
    uint32_t mapping;
};

static int write_map(pid_t pid, const char *name, const char *text, struct failure *f)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(f, errno, "open `%s`", path);
    ssize_t n = write(fd, text, strlen(text));
    int error = errno;
    close(fd);
    return n < 0 ? fail_errno(f, error, "write `%s` of the user namespace", name) : 0;
}

static int write_maps(const struct run *run, pid_t pid, const struct maps *maps, struct failure *f)
{
    if ((maps->mapping & MAPPING_ASK) != 0)
        return channel_send_map(run, pid, f) < 0 ? -1 : channel_wait(run, CHANNEL_MAPPED, f);
    if ((maps->mapping & MAPPING_DENY_SETGROUPS) != 0 && write_map(pid, "setgroups", "deny", f) < 0)
        return -1;
    if (maps->uid[0] != 0 && write_map(pid, "uid_map", maps->uid, f) < 0)
        return -1;
    if (maps->gid[0] != 0 && write_map(pid, "gid_map", maps->gid, f) < 0)
        return -1;
    return 0;
}

static int drop_groups(struct failure *f)
{
    /* EPERM: without rights, or in a namespace that denies it. */
    return setgroups(0, NULL) < 0 && errno != EPERM ? fail_errno(f, errno, "drop additional groups")
                                                    : 0;
}

static int take_root_ids(struct failure *f)
{
    if (drop_groups(f) < 0)
        return -1;
    if (setresgid(0, 0, 0) < 0)
        return fail_errno(f, errno, "take gid 0 of the user namespace");
    if (setresuid(0, 0, 0) < 0)
        return fail_errno(f, errno, "take uid 0 of the user namespace");
    prctl(PR_SET_DUMPABLE, 0);
    return 0;
}

int op_namespace_root(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run;
    return payload_done(payload, f) < 0 ? -1 : take_root_ids(f);
}

int op_drop_groups(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run;
    return payload_done(payload, f) < 0 ? -1 : drop_groups(f);
}

/* The child of CLONE_NEWUSER: waits until its ids are mapped, then takes those of the root there.
 */
static int become_mapped_root(int ready, struct failure *f)
{
    char byte;
    ssize_t n = read(ready, &byte, 1);
    prctl(PR_SET_DUMPABLE, 0);
    close(ready);
    if (n != 1)
        _exit(1); /* rune or the parent gave up, and said why */
    return take_root_ids(f);
}

/* The parent's end: maps, report, exit. It never returns. */
static void finish_parent(struct run *run, pid_t pid, int ready, const struct maps *maps)
{
    struct failure f;
    bool ok = write_maps(run, pid, maps, &f) == 0 && channel_send_pid(run, pid, &f) == 0;
    if (!ok) {
        kill(pid, SIGKILL);
        channel_send_failure(run, &f);
    }
    if (ok && write(ready, "", 1) != 1)
        ok = false; /* the child has died and says why itself */
    _exit(ok ? 0 : 1);
}

int op_clone(struct run *run, struct reader *payload, struct failure *f)
{
    uint64_t flags = read_u64(payload);
    uint32_t cgroup = read_u32(payload);
    struct maps maps = {0};
    maps.uid = read_string(payload, NULL);
    maps.gid = read_string(payload, NULL);
    maps.mapping = read_u32(payload);
    if (payload_done(payload, f) < 0)
        return -1;
    /* exit_signal stays 0: CLONE_PARENT gives the child the parent's own. */
    struct clone_args_v2 args = {.flags = flags | CLONE_PARENT};
    if (cgroup != PLAN_NONE) {
        int fd = slot_fd(run, cgroup, f);
        if (fd < 0)
            return -1;
        args.flags |= CLONE_INTO_CGROUP_;
        args.cgroup = (uint64_t)fd;
    }
    /* The maps of a non-dumpable process belong to root, where a rootless parent could not write.
     */
    if ((flags & CLONE_NEWUSER) != 0)
        prctl(PR_SET_DUMPABLE, 1);
    int ready[2];
    if (pipe2(ready, O_CLOEXEC) < 0)
        return fail_errno(f, errno, "pipe");
    long pid = syscall(SYS_clone3, &args, sizeof(args));
    if (pid < 0)
        return fail_errno(f, errno, "clone with namespaces %#llx", (unsigned long long)flags);
    if (pid > 0)
        finish_parent(run, (pid_t)pid, ready[1], &maps);
    close(ready[1]);
    if ((flags & CLONE_NEWUSER) != 0)
        return become_mapped_root(ready[0], f);
    close(ready[0]);
    return 0;
}
