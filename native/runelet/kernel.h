// SPDX-License-Identifier: Apache-2.0
/*
 * System calls and structures that musl 1.2.3 has no declarations for, as include/uapi/linux of the
 * kernel defines them.
 */
#ifndef RUNELET_KERNEL_H
#define RUNELET_KERNEL_H

#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/openat2.h */
struct open_how_v0 {
    uint64_t flags, mode, resolve;
};
#define RESOLVE_NO_XDEV_ 0x01
#define RESOLVE_NO_MAGICLINKS_ 0x02
#define RESOLVE_NO_SYMLINKS_ 0x04
#define RESOLVE_BENEATH_ 0x08
#define RESOLVE_IN_ROOT_ 0x10

/* linux/mount.h */
struct mount_attr_v0 {
    uint64_t attr_set, attr_clr, propagation, userns_fd;
};
#define OPEN_TREE_CLONE_ 1u
#define OPEN_TREE_CLOEXEC_ 02000000u
#define AT_RECURSIVE_ 0x8000
#define MOVE_MOUNT_F_EMPTY_PATH_ 0x04
#define MOVE_MOUNT_T_SYMLINKS_ 0x10
#define MOVE_MOUNT_T_EMPTY_PATH_ 0x40
#define FSOPEN_CLOEXEC_ 1
#define FSMOUNT_CLOEXEC_ 1
#define FSCONFIG_SET_FLAG_ 0
#define FSCONFIG_SET_STRING_ 1
#define FSCONFIG_CMD_CREATE_ 6
#define MOUNT_ATTR_RDONLY_ 0x01
#define MOUNT_ATTR_NOSUID_ 0x02
#define MOUNT_ATTR_NODEV_ 0x04
#define MOUNT_ATTR_NOEXEC_ 0x08
#define MOUNT_ATTR__ATIME_ 0x70
#define MOUNT_ATTR_IDMAP_ 0x00100000
#define FSPICK_CLOEXEC_ 1
#define FSPICK_EMPTY_PATH_ 8
#define FSCONFIG_CMD_RECONFIGURE_ 7

/* linux/magic.h */
#define PROC_SUPER_MAGIC_ 0x9fa0

/* linux/sched.h, CLONE_ARGS_SIZE_VER2 (5.7) */
struct clone_args_v2 {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
        set_tid_size, cgroup;
};
#define CLONE_INTO_CGROUP_ 0x200000000ull

/* linux/close_range.h */
#define CLOSE_RANGE_CLOEXEC_ 4u

static inline int sys_openat2(int dir, const char *path, const struct open_how_v0 *how)
{
    return (int)syscall(SYS_openat2, dir, path, how, sizeof(*how));
}

static inline int sys_open_tree(int dir, const char *path, unsigned flags)
{
    return (int)syscall(SYS_open_tree, dir, path, flags);
}

static inline int sys_move_mount(int from, const char *from_path, int to, const char *to_path,
                                 unsigned flags)
{
    return (int)syscall(SYS_move_mount, from, from_path, to, to_path, flags);
}

static inline int sys_mount_setattr(int dir, const char *path, unsigned flags,
                                    const struct mount_attr_v0 *attr)
{
    return (int)syscall(442 /* SYS_mount_setattr */, dir, path, flags, attr, sizeof(*attr));
}

static inline int sys_close_range(unsigned first, unsigned last, unsigned flags)
{
    return (int)syscall(436 /* SYS_close_range */, first, last, flags);
}

#endif
