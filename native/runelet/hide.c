// SPDX-License-Identifier: Apache-2.0
/* Masked and read-only paths. */
#include "filesystem.h"
#include "kernel.h"
#include "operations.h"
#include "resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static bool absent(int error)
{
    return error == ENOENT || error == ENOTDIR;
}

/* A detached copy of the container's /dev/null, which must be that device (CVE-2025-31133). */
static int null_tree(const struct run *run, struct failure *f)
{
    struct stat st;
    int null = open_in_root(run, "/dev/null", O_PATH | O_NOFOLLOW);
    if (null < 0 || fstat(null, &st) < 0)
        return fail_errno(f, errno, "open `/dev/null` of the container");
    if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
        return fail_errno(f, EINVAL, "`/dev/null` of the container is not the null device");
    int tree = sys_open_tree(null, "", OPEN_TREE_CLONE_ | OPEN_TREE_CLOEXEC_ | AT_EMPTY_PATH);
    int error = errno;
    close(null);
    return tree < 0 ? fail_errno(f, error, "copy the mount of `/dev/null`") : tree;
}

/*
 * The empty directory: new, or a copy of the one that a slot holds. That one is attached, as older
 * kernels copy nothing that is detached (may_copy_tree in fs/namespace.c).
 */
static int empty_tree(const struct run *run, uint32_t slot, char **options, struct failure *f)
{
    if (run->slots[slot] < 0)
        return new_file_system("tmpfs", "tmpfs", options, MOUNT_ATTR_RDONLY_, f);
    int tree =
        sys_open_tree(run->slots[slot], "", OPEN_TREE_CLONE_ | OPEN_TREE_CLOEXEC_ | AT_EMPTY_PATH);
    return tree < 0 ? fail_errno(f, errno, "copy the mount of an empty directory") : tree;
}

static int mask(struct run *run, const char *path, uint32_t slot, char **options, struct failure *f)
{
    struct stat st;
    int target = open_in_root(run, path, O_PATH);
    if (target < 0)
        return absent(errno) ? 0 : fail_errno(f, errno, "mask `%s`", path);
    if (fstat(target, &st) < 0) {
        fail_errno(f, errno, "mask `%s`", path);
        close(target);
        return -1;
    }
    bool directory = S_ISDIR(st.st_mode);
    int tree = directory ? empty_tree(run, slot, options, f) : null_tree(run, f);
    if (tree < 0) {
        close(target);
        return -1;
    }
    int moved =
        sys_move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH_ | MOVE_MOUNT_T_EMPTY_PATH_);
    int error = errno;
    close(target);
    if (moved == 0 && directory && run->slots[slot] < 0)
        run->slots[slot] = tree;
    else
        close(tree);
    return moved < 0 ? fail_errno(f, error, "mask `%s`", path) : 0;
}

int op_mask(struct run *run, struct reader *payload, struct failure *f)
{
    const char *path = read_string(payload, NULL);
    uint32_t slot = read_u32(payload);
    char **options = read_list(payload);
    int result = payload_done(payload, f) < 0 ? -1
                 : slot >= PLAN_SLOTS
                     ? fail_code(f, FAILURE_PLAN, "slot out of range", "mask `%s`", path)
                     : mask(run, path, slot, options, f);
    free(options);
    return result;
}

int op_readonly(struct run *run, struct reader *payload, struct failure *f)
{
    const char *path = read_string(payload, NULL);
    struct mount_attr_v0 attr = {.attr_set = MOUNT_ATTR_RDONLY_};
    if (payload_done(payload, f) < 0)
        return -1;
    int target = open_in_root(run, path, O_PATH);
    if (target < 0)
        return absent(errno) ? 0 : fail_errno(f, errno, "make `%s` read-only", path);
    int tree = sys_open_tree(target, "",
                             OPEN_TREE_CLONE_ | OPEN_TREE_CLOEXEC_ | AT_EMPTY_PATH | AT_RECURSIVE_);
    int failed = tree < 0 ||
                 sys_mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE_, &attr) < 0 ||
                 sys_move_mount(tree, "", target, "",
                                MOVE_MOUNT_F_EMPTY_PATH_ | MOVE_MOUNT_T_EMPTY_PATH_) < 0;
    int error = errno;
    close(target);
    if (tree >= 0)
        close(tree);
    return failed ? fail_errno(f, error, "make `%s` read-only", path) : 0;
}

int op_demand_proc(struct run *run, struct reader *payload, struct failure *f)
{
    struct statfs fs;
    uint32_t slot = read_u32(payload);
    const char *path = read_string(payload, NULL);
    if (payload_done(payload, f) < 0)
        return -1;
    int tree = slot_fd(run, slot, f);
    if (tree < 0)
        return -1;
    if (fstatfs(tree, &fs) < 0)
        return fail_errno(f, errno, "stat the source of `%s`", path);
    return fs.f_type == PROC_SUPER_MAGIC_
               ? 0
               : fail_code(f, FAILURE_SYSCALL, "its source is not a procfs", "mount on `%s`", path);
}
