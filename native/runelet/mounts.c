// SPDX-License-Identifier: Apache-2.0
/* The root and what is mounted in it. */
#include "filesystem.h"
#include "kernel.h"
#include "no_pivot.h"
#include "operations.h"
#include "resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

int attach(int tree, int target, const char *path, struct failure *f)
{
    int moved =
        sys_move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH_ | MOVE_MOUNT_T_EMPTY_PATH_);
    int error = errno;
    close(target);
    return moved < 0 ? fail_errno(f, error, "mount on `%s`", path) : 0;
}

int op_propagation(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run;
    const char *path = read_string(payload, NULL);
    struct mount_attr_v0 attr = {.propagation = read_u64(payload)};
    bool recursive = read_u32(payload) != 0;
    if (payload_done(payload, f) < 0)
        return -1;
    if (sys_mount_setattr(AT_FDCWD, path, recursive ? AT_RECURSIVE_ : 0, &attr) < 0)
        return fail_errno(f, errno, "change the propagation of `%s`", path);
    return 0;
}

int op_root(struct run *run, struct reader *payload, struct failure *f)
{
    uint32_t slot = read_u32(payload);
    const char *path = read_string(payload, NULL);
    if (payload_done(payload, f) < 0)
        return -1;
    int tree = slot_fd(run, slot, f);
    if (tree < 0)
        return -1;
    struct mount_attr_v0 attr = {.propagation = MS_SLAVE};
    if (sys_mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE_, &attr) < 0)
        return fail_errno(f, errno, "detach the propagation of `%s`", path);
    /* The bundle's root may be a link; OPEN_TREE has followed it too. */
    if (sys_move_mount(tree, "", AT_FDCWD, path,
                       MOVE_MOUNT_F_EMPTY_PATH_ | MOVE_MOUNT_T_SYMLINKS_) < 0)
        return fail_errno(f, errno, "mount the root file system `%s`", path);
    run->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return run->root < 0 ? fail_errno(f, errno, "open the root file system `%s`", path) : 0;
}

int op_mount_fs(struct run *run, struct reader *payload, struct failure *f)
{
    const char *type = read_string(payload, NULL), *source = read_string(payload, NULL);
    char **options = read_list(payload);
    uint64_t attr = read_u64(payload);
    struct mount_attr_v0 propagation = {.propagation = read_u64(payload)};
    const char *path = read_string(payload, NULL);
    bool links = read_u32(payload) != 0;
    if (payload_done(payload, f) < 0)
        return -1;
    int mount = new_file_system(type, source, options, attr, f);
    free(options);
    if (mount < 0)
        return -1;
    if (propagation.propagation != 0 &&
        sys_mount_setattr(mount, "", AT_EMPTY_PATH, &propagation) < 0)
        return fail_errno(f, errno, "change the propagation of `%s`", path);
    int target = target_in_root(run, path, false, links, f);
    int attached = target < 0 ? -1 : attach(mount, target, path, f);
    close(mount);
    return attached;
}

struct tree_attributes {
    struct mount_attr_v0 all, top, base, propagation;
    uint64_t reset; /* cleared at the top, where that is not forbidden */
    bool propagation_recursive;
};

/* A new state of the mount for mount(8)'s `bind,ro`: what is not asked for is off, unless locked.
 */
static int set_top(int tree, const struct tree_attributes *a)
{
    struct mount_attr_v0 attr = a->top;
    if (a->reset == 0)
        return sys_mount_setattr(tree, "", AT_EMPTY_PATH, &attr);
    attr.attr_clr |= a->reset;
    if (sys_mount_setattr(tree, "", AT_EMPTY_PATH, &attr) == 0)
        return 0;
    /* EPERM: in a user namespace, where mounts keep what their first owner gave them. */
    return errno == EPERM ? sys_mount_setattr(tree, "", AT_EMPTY_PATH, &a->top) : -1;
}

/* A copy of a shared mount is the host's peer until `base` changes it: never attach it before. */
static int set_tree_attributes(int tree, const struct tree_attributes *a, const char *path,
                               struct failure *f)
{
    unsigned deep = AT_EMPTY_PATH | AT_RECURSIVE_;
    if (a->base.propagation != 0 && sys_mount_setattr(tree, "", deep, &a->base) < 0)
        return fail_errno(f, errno, "change the propagation of `%s`", path);
    if (((a->top.attr_set | a->top.attr_clr) != 0 && set_top(tree, a) < 0) ||
        ((a->all.attr_set | a->all.attr_clr) != 0 &&
         sys_mount_setattr(tree, "", deep, &a->all) < 0))
        return fail_errno(f, errno, "set the mount attributes of `%s`", path);
    if (a->propagation.propagation != 0 &&
        sys_mount_setattr(tree, "", a->propagation_recursive ? deep : AT_EMPTY_PATH,
                          &a->propagation) < 0)
        return fail_errno(f, errno, "change the propagation of `%s`", path);
    return 0;
}

int op_mount_tree(struct run *run, struct reader *payload, struct failure *f)
{
    uint32_t slot = read_u32(payload);
    const char *path = read_string(payload, NULL);
    struct tree_attributes a = {0};
    a.top.attr_set = read_u64(payload);
    a.top.attr_clr = read_u64(payload);
    a.reset = read_u64(payload);
    a.all.attr_set = read_u64(payload);
    a.all.attr_clr = read_u64(payload);
    a.base.propagation = read_u64(payload);
    a.propagation.propagation = read_u64(payload);
    a.propagation_recursive = read_u32(payload) != 0;
    if (payload_done(payload, f) < 0)
        return -1;
    int tree = slot_fd(run, slot, f);
    struct stat st;
    if (tree < 0)
        return -1;
    if (fstat(tree, &st) < 0)
        return fail_errno(f, errno, "stat the source of `%s`", path);
    if (set_tree_attributes(tree, &a, path, f) < 0)
        return -1;
    int target = target_in_root(run, path, !S_ISDIR(st.st_mode), true, f);
    if (target < 0 || attach(tree, target, path, f) < 0)
        return -1;
    close(tree);
    run->slots[slot] = -1;
    return 0;
}

/* How the root becomes the root: docs/protocol/launch-plan.md, PIVOT. */
enum pivot_mode { PIVOT_ROOT = 0, PIVOT_MOVE = 1, PIVOT_CHROOT = 2 };

static int enter_root(const struct run *run, uint32_t mode, struct failure *f)
{
    if (mode == PIVOT_ROOT) {
        /* The old root is stacked on the new one, and "." then names it: pivot_root(2), notes. */
        if (syscall(SYS_pivot_root, ".", ".") < 0)
            return fail_errno(f, errno, "pivot_root (the root of a ramfs needs --no-pivot)");
        if (umount2(".", MNT_DETACH) < 0)
            return fail_errno(f, errno, "detach the old root");
        return 0;
    }
    if (mode == PIVOT_MOVE && hide_kernel_views(run, f) < 0)
        return -1;
    if (mode == PIVOT_MOVE && mount(".", "/", NULL, MS_MOVE, NULL) < 0)
        return fail_errno(f, errno, "move the root to `/`");
    return chroot(".") < 0 ? fail_errno(f, errno, "chroot") : 0;
}

int op_pivot(struct run *run, struct reader *payload, struct failure *f)
{
    uint32_t mode = read_u32(payload);
    if (payload_done(payload, f) < 0)
        return -1;
    if (fchdir(run->root) < 0)
        return fail_errno(f, errno, "enter the root");
    if (enter_root(run, mode, f) < 0)
        return -1;
    if (chdir("/") < 0)
        return fail_errno(f, errno, "enter `/`");
    close(run->root);
    run->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return run->root < 0 ? fail_errno(f, errno, "open `/`") : 0;
}

int op_attributes(struct run *run, struct reader *payload, struct failure *f)
{
    const char *path = read_string(payload, NULL);
    struct mount_attr_v0 attr = {.attr_set = read_u64(payload)};
    if (payload_done(payload, f) < 0)
        return -1;
    int target = open_in_root(run, path, O_PATH);
    if (target < 0)
        return fail_errno(f, errno, "open `%s` in the root", path);
    int set = sys_mount_setattr(target, "", AT_EMPTY_PATH, &attr);
    int error = errno;
    close(target);
    return set < 0 ? fail_errno(f, error, "set the mount attributes of `%s`", path) : 0;
}
