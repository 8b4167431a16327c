// SPDX-License-Identifier: Apache-2.0
/* What a process inherits: names, limits, directory, umask, descriptors. */
#include "channel.h"
#include "operations.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

int op_hostname(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run;
    uint32_t size;
    const char *name = read_string(payload, &size);
    if (payload_done(payload, f) < 0)
        return -1;
    return sethostname(name, size) < 0 ? fail_errno(f, errno, "set hostname `%s`", name) : 0;
}

int op_domainname(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run;
    uint32_t size;
    const char *name = read_string(payload, &size);
    if (payload_done(payload, f) < 0)
        return -1;
    return setdomainname(name, size) < 0 ? fail_errno(f, errno, "set domain name `%s`", name) : 0;
}

int op_rlimit(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run;
    uint32_t resource = read_u32(payload);
    struct rlimit limit;
    limit.rlim_cur = read_u64(payload);
    limit.rlim_max = read_u64(payload);
    if (payload_done(payload, f) < 0)
        return -1;
    if (setrlimit((int)resource, &limit) < 0)
        return fail_errno(f, errno, "set resource limit %u to %llu, %llu", resource,
                          (unsigned long long)limit.rlim_cur, (unsigned long long)limit.rlim_max);
    return 0;
}

int op_raise_limit(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run;
    uint32_t resource = read_u32(payload);
    uint64_t hard = read_u64(payload);
    struct rlimit limit;
    if (payload_done(payload, f) < 0)
        return -1;
    if (getrlimit((int)resource, &limit) < 0)
        return fail_errno(f, errno, "read resource limit %u", resource);
    if (limit.rlim_max >= hard)
        return 0;
    limit.rlim_max = hard;
    if (setrlimit((int)resource, &limit) < 0)
        return fail_errno(f, errno, "raise resource limit %u to %llu", resource,
                          (unsigned long long)hard);
    return 0;
}

enum cwd_mode { CWD_NOW = 0, CWD_TRY = 1, CWD_IF_DEFERRED = 2 };

int op_cwd(struct run *run, struct reader *payload, struct failure *f)
{
    char path[PATH_MAX];
    const char *cwd = read_string(payload, NULL);
    uint32_t mode = read_u32(payload);
    if (payload_done(payload, f) < 0)
        return -1;
    if (mode == CWD_IF_DEFERRED && !run->cwd_deferred)
        return 0;
    if (chdir(cwd) < 0) {
        /* Only its user may enter it, as on a root-squashing NFS: try again as that user. */
        run->cwd_deferred = mode == CWD_TRY && errno == EACCES;
        return run->cwd_deferred ? 0 : fail_errno(f, errno, "enter working directory `%s`", cwd);
    }
    /* A leaked descriptor under /proc/self/fd would lead out of the root (CVE-2024-21626). */
    if (getcwd(path, sizeof(path)) == NULL || path[0] != '/')
        return fail_errno(f, ENOENT, "working directory `%s` lies outside the container", cwd);
    return 0;
}

int op_umask(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run;
    mode_t mask = read_u32(payload);
    if (payload_done(payload, f) < 0)
        return -1;
    umask(mask);
    return 0;
}

int op_keep_fds(struct run *run, struct reader *payload, struct failure *f)
{
    uint32_t count = read_u32(payload);
    if (payload_done(payload, f) < 0)
        return -1;
    for (uint32_t i = 0; i < count; i++) {
        if (fcntl(3 + (int)i, F_SETFD, 0) < 0)
            return fail_errno(f, errno, "keep descriptor %u", 3 + i);
    }
    run->keep_fds = count;
    return 0;
}

/* Criu is told a descriptor by its number. */
int op_keep(struct run *run, struct reader *payload, struct failure *f)
{
    uint32_t slot = read_u32(payload);
    if (payload_done(payload, f) < 0)
        return -1;
    int fd = slot_fd(run, slot, f);
    if (fd < 0)
        return -1;
    if (fcntl(fd, F_SETFD, 0) < 0)
        return fail_errno(f, errno, "keep descriptor %d", fd);
    return 0;
}

int op_ready(struct run *run, struct reader *payload, struct failure *f)
{
    if (payload_done(payload, f) < 0)
        return -1;
    if (channel_send_ready(run, f) < 0)
        return -1;
    return channel_wait(run, CHANNEL_RUN, f);
}
