// SPDX-License-Identifier: Apache-2.0
/* Ids, capabilities and no_new_privs. */
#include "operations.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define CAPABILITY_LAST_MAX 63
#define PR_CAP_AMBIENT_ 47
#define PR_CAP_AMBIENT_RAISE_ 2
#define PR_CAP_AMBIENT_CLEAR_ALL_ 4

/* The payload must be able to open /dev/stdout: its terminal, pipe or file becomes the user's. */
static void give_stdio(uid_t uid)
{
    for (int fd = 0; fd < 3; fd++) {
        struct stat st;
        if (fstat(fd, &st) < 0 || st.st_uid == uid)
            continue;
        if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3))
            continue; /* /dev/null is everybody's */
        /* Not possible for read-only file systems, unmapped owners and the like; not fatal. */
        if (fchown(fd, uid, (gid_t)-1) < 0)
            errno = 0;
    }
}

int op_ids(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run;
    uid_t uid = read_u32(payload);
    gid_t gid = read_u32(payload);
    uint32_t count = read_u32(payload);
    if (count > 65536)
        payload->bad = true;
    gid_t *groups = calloc(count > 0 && !payload->bad ? count : 1, sizeof(*groups));
    for (uint32_t i = 0; groups != NULL && !payload->bad && i < count; i++)
        groups[i] = read_u32(payload);
    if (payload_done(payload, f) < 0)
        return -1;
    give_stdio(uid);
    /* setgroups(0) is what a user namespace with setgroups denied refuses; nothing to do there. */
    if (setgroups(count, groups) < 0 && !(count == 0 && errno == EPERM))
        return fail_errno(f, errno, "set additional groups");
    free(groups);
    if (prctl(PR_SET_KEEPCAPS, 1) < 0)
        return fail_errno(f, errno, "keep capabilities");
    if (setresgid(gid, gid, gid) < 0)
        return fail_errno(f, errno, "set gid %u", gid);
    if (setresuid(uid, uid, uid) < 0)
        return fail_errno(f, errno, "set uid %u", uid);
    prctl(PR_SET_DUMPABLE, 0);
    return 0;
}

int op_bounding(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run;
    uint64_t keep = read_u64(payload);
    if (payload_done(payload, f) < 0)
        return -1;
    for (int cap = 0; cap <= CAPABILITY_LAST_MAX; cap++) {
        int present = prctl(PR_CAPBSET_READ, cap);
        if (present < 0)
            return 0; /* beyond the kernel's last capability */
        if (present == 1 && (keep >> cap & 1) == 0 && prctl(PR_CAPBSET_DROP, cap) < 0)
            return fail_errno(f, errno, "drop capability %d from the bounding set", cap);
    }
    return 0;
}

/* capset(2), _LINUX_CAPABILITY_VERSION_3: two 32-bit halves of each set. */
static int set_capabilities(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
    struct {
        uint32_t version;
        int pid;
    } header = {0x20080522, 0};
    struct {
        uint32_t effective, permitted, inheritable;
    } data[2] = {
        {(uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable},
        {(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32)},
    };
    return (int)syscall(SYS_capset, &header, data);
}

int op_capabilities(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run;
    uint64_t effective = read_u64(payload), permitted = read_u64(payload);
    uint64_t inheritable = read_u64(payload), ambient = read_u64(payload);
    if (payload_done(payload, f) < 0)
        return -1;
    if (set_capabilities(effective, permitted, inheritable) < 0)
        return fail_errno(f, errno, "set capabilities");
    if (prctl(PR_CAP_AMBIENT_, PR_CAP_AMBIENT_CLEAR_ALL_, 0, 0, 0) < 0)
        return fail_errno(f, errno, "clear ambient capabilities");
    for (int cap = 0; cap <= CAPABILITY_LAST_MAX; cap++) {
        if ((ambient >> cap & 1) != 0 &&
            prctl(PR_CAP_AMBIENT_, PR_CAP_AMBIENT_RAISE_, cap, 0, 0) < 0)
            return fail_errno(f, errno, "raise ambient capability %d", cap);
    }
    return 0;
}

int op_no_new_privs(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run;
    if (payload_done(payload, f) < 0)
        return -1;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? fail_errno(f, errno, "set no_new_privs")
                                                      : 0;
}
