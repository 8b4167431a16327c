// SPDX-License-Identifier: Apache-2.0
/* What an open descriptor is, and what can be done to it beside reading and writing. */
#include "descriptors.h"
#include "host.h"
#include "memory.h"
#include "plain_memory.h"
#include "wasi/stat.h"
#include "wasi/wasi.h"

enum { FDSTAT_SIZE = 24, FILESTAT_SIZE = 64, ADVICE_MAX = 5 };

static u32 call_on(struct descriptor *descriptor, enum host_operation operation, u64 first,
                   u64 second, u64 third)
{
    int64_t result = host_call(operation, (u64)descriptor->host, first, second, third, ANSWER_NONE);
    return result < 0 ? wasi_errno(result) : WASI_SUCCESS;
}

u32 WASI(fd_close)(void *instance, u32 fd)
{
    (void)instance;
    u32 error;
    struct descriptor *descriptor = descriptor_get(fd, 0, &error);
    return descriptor == NULL ? error : descriptor_close(descriptor);
}

u32 WASI(fd_renumber)(void *instance, u32 from, u32 to)
{
    (void)instance;
    return descriptor_move(from, to);
}

u32 WASI(fd_fdstat_get)(void *instance, u32 fd, u32 stat)
{
    (void)instance;
    u32 error;
    struct descriptor *descriptor = descriptor_get(fd, 0, &error);
    if (descriptor == NULL)
        return error;
    uint8_t *place = guest(stat, FDSTAT_SIZE);
    if (place == NULL)
        return WASI_EFAULT;
    memset(place, 0, FDSTAT_SIZE);
    place[0] = descriptor->type;
    memcpy(place + 2, &descriptor->flags, 2);
    memcpy(place + 8, &descriptor->rights, 8);
    memcpy(place + 16, &descriptor->inheriting, 8);
    return WASI_SUCCESS;
}

u32 WASI(fd_fdstat_set_flags)(void *instance, u32 fd, u32 flags)
{
    (void)instance;
    u32 error;
    struct descriptor *descriptor = descriptor_get(fd, RIGHT_FD_FDSTAT_SET_FLAGS, &error);
    if (descriptor == NULL)
        return error;
    if (flags & ~(u32)FDFLAGS_ALL)
        return WASI_EINVAL;
    /* Linux cannot change O_SYNC and O_DSYNC of an open file either. */
    const u32 fixed = FDFLAGS_DSYNC | FDFLAGS_RSYNC | FDFLAGS_SYNC;
    if ((flags ^ descriptor->flags) & fixed)
        return WASI_ENOTSUP;
    if (descriptor->kind == DESCRIPTOR_HOST) {
        u64 host = ((flags & FDFLAGS_APPEND) ? HOST_OPEN_APPEND : 0) |
                   ((flags & FDFLAGS_NONBLOCK) ? HOST_OPEN_NONBLOCK : 0);
        error = call_on(descriptor, HOST_SET_FLAGS, host, 0, 0);
        if (error != WASI_SUCCESS)
            return error;
    }
    descriptor->flags = (uint16_t)flags;
    return WASI_SUCCESS;
}

u32 WASI(fd_fdstat_set_rights)(void *instance, u32 fd, u64 base, u64 inheriting)
{
    (void)instance;
    u32 error;
    struct descriptor *descriptor = descriptor_get(fd, 0, &error);
    if (descriptor == NULL)
        return error;
    if ((base & ~descriptor->rights) || (inheriting & ~descriptor->inheriting))
        return WASI_ENOTCAPABLE;
    descriptor->rights = base;
    descriptor->inheriting = inheriting;
    return WASI_SUCCESS;
}

bool put_host_stat(u32 at, const struct host_stat *stat)
{
    uint8_t *place = guest(at, FILESTAT_SIZE);
    if (place == NULL)
        return false;
    memset(place, 0, FILESTAT_SIZE);
    memcpy(place, &stat->device, 8);
    memcpy(place + 8, &stat->inode, 8);
    place[16] = filetype_of_mode(stat->mode);
    memcpy(place + 24, &stat->links, 8);
    memcpy(place + 32, &stat->size, 8);
    memcpy(place + 40, &stat->access_ns, 8);
    memcpy(place + 48, &stat->modify_ns, 8);
    memcpy(place + 56, &stat->change_ns, 8);
    return true;
}

bool put_tree_stat(u32 at, const struct tree_stat *stat)
{
    const u64 one = 1;
    uint8_t *place = guest(at, FILESTAT_SIZE);
    if (place == NULL)
        return false;
    memset(place, 0, FILESTAT_SIZE);
    place[16] = stat->type;
    memcpy(place + 24, &one, 8);
    memcpy(place + 32, &stat->size, 8);
    memcpy(place + 40, &stat->modify_ns, 8);
    memcpy(place + 48, &stat->modify_ns, 8);
    memcpy(place + 56, &stat->modify_ns, 8);
    return true;
}

u32 WASI(fd_filestat_get)(void *instance, u32 fd, u32 stat)
{
    (void)instance;
    u32 error;
    struct descriptor *descriptor = descriptor_get(fd, RIGHT_FD_FILESTAT_GET, &error);
    if (descriptor == NULL)
        return error;
    if (descriptor->kind == DESCRIPTOR_TREE_FILE) {
        struct tree_stat found = {.size = descriptor->file->size, .type = FILETYPE_REGULAR_FILE};
        return put_tree_stat(stat, &found) ? WASI_SUCCESS : WASI_EFAULT;
    }
    if (descriptor->kind == DESCRIPTOR_TREE_DIRECTORY) {
        struct tree_stat found;
        error = tree_stat(descriptor->preopen, descriptor->path, &found);
        if (error != WASI_SUCCESS)
            return error;
        return put_tree_stat(stat, &found) ? WASI_SUCCESS : WASI_EFAULT;
    }
    error = call_on(descriptor, HOST_STAT, 0, 0, 0);
    if (error != WASI_SUCCESS)
        return error;
    struct host_stat found;
    host_get(&found, 0, sizeof(found));
    return put_host_stat(stat, &found) ? WASI_SUCCESS : WASI_EFAULT;
}

u32 WASI(fd_filestat_set_size)(void *instance, u32 fd, u64 size)
{
    (void)instance;
    u32 error;
    struct descriptor *descriptor = descriptor_get(fd, RIGHT_FD_FILESTAT_SET_SIZE, &error);
    if (descriptor == NULL)
        return error;
    if (size > INT64_MAX)
        return WASI_EINVAL;
    if (descriptor->kind == DESCRIPTOR_TREE_FILE)
        return tree_file_set_size(descriptor->file, size);
    return call_on(descriptor, HOST_TRUNCATE, size, 0, 0);
}

u32 WASI(fd_filestat_set_times)(void *instance, u32 fd, u64 atim, u64 mtim, u32 flags)
{
    (void)instance;
    u32 error;
    struct descriptor *descriptor = descriptor_get(fd, RIGHT_FD_FILESTAT_SET_TIMES, &error);
    if (descriptor == NULL)
        return error;
    if (flags > FST_ALL || (flags & 3) == 3 || (flags & 12) == 12)
        return WASI_EINVAL;
    /* The host's times of a file that is only the enclave's would say nothing. */
    if (descriptor->kind != DESCRIPTOR_HOST)
        return WASI_ENOTSUP;
    return call_on(descriptor, HOST_SET_TIMES, atim, mtim, flags);
}

u32 WASI(fd_advise)(void *instance, u32 fd, u64 offset, u64 len, u32 advice)
{
    (void)instance;
    u32 error;
    struct descriptor *descriptor = descriptor_get(fd, RIGHT_FD_ADVISE, &error);
    if (descriptor == NULL)
        return error;
    if (advice > ADVICE_MAX || offset > INT64_MAX || len > INT64_MAX)
        return WASI_EINVAL;
    if (descriptor->kind != DESCRIPTOR_HOST)
        return WASI_SUCCESS; /* it is all in memory */
    return call_on(descriptor, HOST_ADVISE, offset, len, advice);
}

u32 WASI(fd_allocate)(void *instance, u32 fd, u64 offset, u64 len)
{
    (void)instance;
    u32 error;
    u64 end;
    struct descriptor *descriptor = descriptor_get(fd, RIGHT_FD_ALLOCATE, &error);
    if (descriptor == NULL)
        return error;
    if (__builtin_add_overflow(offset, len, &end) || end > INT64_MAX || len == 0)
        return WASI_EINVAL;
    if (descriptor->kind == DESCRIPTOR_TREE_FILE)
        return end > descriptor->file->size ? tree_file_set_size(descriptor->file, end)
                                            : WASI_SUCCESS;
    return call_on(descriptor, HOST_ALLOCATE, offset, len, 0);
}

static u32 synchronise(u32 fd, u64 right, bool only_data)
{
    u32 error;
    struct descriptor *descriptor = descriptor_get(fd, right, &error);
    if (descriptor == NULL)
        return error;
    if (descriptor->kind == DESCRIPTOR_TREE_FILE)
        return tree_file_sync(descriptor->file);
    if (descriptor->kind == DESCRIPTOR_TREE_DIRECTORY)
        return WASI_SUCCESS; /* names are written when they change */
    return call_on(descriptor, HOST_SYNC, only_data, 0, 0);
}

u32 WASI(fd_sync)(void *instance, u32 fd)
{
    (void)instance;
    return synchronise(fd, RIGHT_FD_SYNC, false);
}

u32 WASI(fd_datasync)(void *instance, u32 fd)
{
    (void)instance;
    return synchronise(fd, RIGHT_FD_DATASYNC, true);
}

u32 WASI(fd_prestat_get)(void *instance, u32 fd, u32 prestat)
{
    (void)instance;
    u32 error;
    struct descriptor *descriptor = descriptor_get(fd, 0, &error);
    if (descriptor == NULL)
        return error;
    if (!descriptor->is_preopen)
        return WASI_EBADF; /* wasi-libc counts up until this */
    /* As a whole first: the second word's address may wrap around. */
    if (guest(prestat, 8) == NULL || !guest_put32(prestat, 0) ||
        !guest_put32(prestat + 4, (u32)strlen(descriptor->preopen->name)))
        return WASI_EFAULT;
    return WASI_SUCCESS;
}

u32 WASI(fd_prestat_dir_name)(void *instance, u32 fd, u32 path, u32 path_len)
{
    (void)instance;
    u32 error;
    struct descriptor *descriptor = descriptor_get(fd, 0, &error);
    if (descriptor == NULL)
        return error;
    if (!descriptor->is_preopen)
        return WASI_EBADF;
    size_t length = strlen(descriptor->preopen->name);
    if (path_len < length)
        return WASI_ENAMETOOLONG;
    void *place = guest(path, length);
    if (place == NULL)
        return WASI_EFAULT;
    memcpy(place, descriptor->preopen->name, length);
    return WASI_SUCCESS;
}
