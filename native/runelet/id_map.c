// SPDX-License-Identifier: Apache-2.0
/* Idmapped mounts: the mapping is a user namespace's, which a process has to live in to make it. */
#include "kernel.h"
#include "operations.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int write_process_file(pid_t pid, const char *name, const char *text, struct failure *f)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));
    int error = errno;
    if (fd >= 0)
        close(fd);
    return n < 0 ? fail_errno(f, error, "write the `%s` of a mount", name) : 0;
}

static int open_namespace(pid_t pid, const char *uids, const char *gids, struct failure *f)
{
    char path[64];
    if (write_process_file(pid, "uid_map", uids, f) < 0 ||
        write_process_file(pid, "gid_map", gids, f) < 0)
        return -1;
    snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? fail_errno(f, errno, "open `%s`", path) : fd;
}

/* A new user namespace with these maps. The process that made it has no other use, and is gone. */
static int mapped_namespace(const char *uids, const char *gids, struct failure *f)
{
    int hold[2];
    if (pipe2(hold, O_CLOEXEC) < 0)
        return fail_errno(f, errno, "pipe");
    struct clone_args_v2 args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
    long pid = syscall(SYS_clone3, &args, sizeof(args));
    if (pid == 0) {
        char byte;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(hold[1]);
        while (read(hold[0], &byte, 1) < 0 && errno == EINTR)
            ;
        _exit(0);
    }
    int error = errno;
    int fd = pid < 0 ? fail_errno(f, error, "make a user namespace for an idmapped mount")
                     : open_namespace((pid_t)pid, uids, gids, f);
    close(hold[0]);
    close(hold[1]);
    while (pid > 0 && waitpid((pid_t)pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return fd;
}

int op_id_map(struct run *run, struct reader *payload, struct failure *f)
{
    uint32_t slot = read_u32(payload), joined = read_u32(payload);
    const char *uids = read_string(payload, NULL), *gids = read_string(payload, NULL);
    bool recursive = read_u32(payload) != 0;
    const char *path = read_string(payload, NULL);
    if (payload_done(payload, f) < 0)
        return -1;
    int tree = slot_fd(run, slot, f);
    int own = -1, namespace = tree < 0              ? -1
                              : joined != PLAN_NONE ? slot_fd(run, joined, f)
                                                    : (own = mapped_namespace(uids, gids, f));
    if (namespace < 0)
        return -1;
    struct mount_attr_v0 attr = {.attr_set = MOUNT_ATTR_IDMAP_, .userns_fd = (uint64_t) namespace};
    int set = sys_mount_setattr(tree, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE_ : 0), &attr);
    int error = errno;
    if (own >= 0)
        close(own);
    if (set == 0)
        return 0;
    if (error == EINVAL)
        return fail_code(f, FAILURE_SYSCALL,
                         "its file system does not support that, or it is mapped already",
                         "map the ids of `%s`", path);
    return fail_errno(f, error, "map the ids of `%s`", path);
}
