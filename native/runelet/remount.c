// SPDX-License-Identifier: Apache-2.0
/* Changing what is mounted already, and mounts whose options are too long for fsconfig(2). */
#include "filesystem.h"
#include "kernel.h"
#include "operations.h"
#include "resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

int op_remount(struct run *run, struct reader *payload, struct failure *f)
{
    const char *path = read_string(payload, NULL);
    struct mount_attr_v0 attr = {.attr_set = read_u64(payload), .attr_clr = read_u64(payload)};
    struct mount_attr_v0 whole = attr;
    whole.attr_clr |= read_u64(payload);
    bool instance = read_u32(payload) != 0;
    char **options = read_list(payload);
    int target = -1, result = payload_done(payload, f);
    if (result == 0) {
        target = open_in_root(run, path, O_PATH);
        result = target < 0 ? fail_errno(f, errno, "open `%s` in the root", path) : 0;
    }
    if (result == 0 && instance)
        result = reconfigure_file_system(target, options, path, f);
    /* EPERM: attributes that are locked in a user namespace stay, unless they were asked to go. */
    if (result == 0 && sys_mount_setattr(target, "", AT_EMPTY_PATH, &whole) < 0 &&
        (errno != EPERM || sys_mount_setattr(target, "", AT_EMPTY_PATH, &attr) < 0))
        result = fail_errno(f, errno, "remount `%s`", path);
    free(options);
    if (target >= 0)
        close(target);
    return result;
}

int op_mount_data(struct run *run, struct reader *payload, struct failure *f)
{
    char at[48];
    const char *type = read_string(payload, NULL), *source = read_string(payload, NULL);
    const char *data = read_string(payload, NULL);
    uint64_t flags = read_u64(payload), propagation = read_u64(payload);
    const char *path = read_string(payload, NULL);
    bool links = read_u32(payload) != 0;
    if (payload_done(payload, f) < 0)
        return -1;
    int target = target_in_root(run, path, false, links, f);
    if (target < 0)
        return -1;
    snprintf(at, sizeof(at), "/proc/self/fd/%d", target);
    int mounted = mount(source, at, type, (unsigned long)flags, data);
    int error = errno;
    close(target);
    if (mounted < 0)
        return fail_errno(f, error, "mount `%s` on `%s`", type, path);
    struct mount_attr_v0 attr = {.propagation = propagation};
    target = propagation == 0 ? -1 : open_in_root(run, path, O_PATH);
    if (propagation == 0)
        return 0;
    int set = target < 0 ? -1 : sys_mount_setattr(target, "", AT_EMPTY_PATH, &attr);
    error = errno;
    if (target >= 0)
        close(target);
    return set < 0 ? fail_errno(f, error, "change the propagation of `%s`", path) : 0;
}
