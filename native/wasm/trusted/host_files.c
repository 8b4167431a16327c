// SPDX-License-Identifier: Apache-2.0
#include "host_files.h"

#include "descriptors.h"
#include "host.h"
#include "plain_memory.h"
#include "wasi/paths.h"
#include "wasi/wasi.h"

static u32 errno_of(int64_t result)
{
    return result < 0 ? wasi_errno(result) : WASI_SUCCESS;
}

static u32 open_with(int32_t directory, const char *path, u64 flags, int32_t *fd)
{
    path_put(0, path);
    int64_t result =
        host_call(HOST_OPEN_AT, (u64)directory, strlen(path), flags, 0, ANSWER_DESCRIPTOR);
    *fd = (int32_t)result;
    return errno_of(result);
}

u32 host_file_open(int32_t directory, const char *path, int32_t *fd)
{
    return open_with(directory, path, HOST_OPEN_READ, fd);
}

u32 host_file_create(int32_t directory, const char *path, int32_t *fd)
{
    return open_with(directory, path,
                     HOST_OPEN_READ | HOST_OPEN_WRITE | HOST_OPEN_CREATE | HOST_OPEN_EXCLUSIVE, fd);
}

u32 host_directory_open(int32_t directory, const char *path, int32_t *fd)
{
    return open_with(directory, path, HOST_OPEN_READ | HOST_OPEN_DIRECTORY, fd);
}

u32 host_file_read(int32_t fd, u64 offset, uint8_t *to, size_t size)
{
    while (size > 0) {
        size_t part = size < SHARED_DATA_SIZE ? size : SHARED_DATA_SIZE;
        int64_t got = host_call(HOST_PREAD, (u64)fd, part, offset, 0, (int64_t)part);
        if (got <= 0)
            return got == 0 ? WASI_EIO : wasi_errno(got);
        host_get(to, 0, (size_t)got);
        to += got;
        offset += (u64)got;
        size -= (size_t)got;
    }
    return WASI_SUCCESS;
}

u32 host_file_write(int32_t fd, u64 offset, const uint8_t *from, size_t size)
{
    while (size > 0) {
        size_t part = size < SHARED_DATA_SIZE ? size : SHARED_DATA_SIZE;
        host_put(0, from, part);
        int64_t got = host_call(HOST_PWRITE, (u64)fd, part, offset, 0, (int64_t)part);
        if (got <= 0)
            return got == 0 ? WASI_EIO : wasi_errno(got);
        from += got;
        offset += (u64)got;
        size -= (size_t)got;
    }
    return WASI_SUCCESS;
}

u32 host_file_size(int32_t fd, u64 *size)
{
    struct host_stat stat;
    int64_t result = host_call(HOST_STAT, (u64)fd, 0, 0, 0, ANSWER_NONE);
    if (result < 0)
        return wasi_errno(result);
    host_get(&stat, 0, sizeof(stat));
    *size = stat.size;
    return filetype_of_mode(stat.mode) == FILETYPE_REGULAR_FILE ? WASI_SUCCESS : WASI_EIO;
}

u32 host_file_sync(int32_t fd)
{
    return errno_of(host_call(HOST_SYNC, (u64)fd, 0, 0, 0, ANSWER_NONE));
}

void host_file_close(int32_t fd)
{
    host_call(HOST_CLOSE, (u64)fd, 0, 0, 0, ANSWER_NONE);
}

u32 host_name_type(int32_t directory, const char *path, uint8_t *type)
{
    struct host_stat stat;
    path_put(0, path);
    int64_t result = host_call(HOST_STAT_AT, (u64)directory, strlen(path), 0, 0, ANSWER_NONE);
    if (result < 0)
        return wasi_errno(result);
    host_get(&stat, 0, sizeof(stat));
    *type = filetype_of_mode(stat.mode);
    return WASI_SUCCESS;
}

u32 host_name_rename(int32_t directory, const char *from, const char *to)
{
    path_put(path_put(0, from), to);
    return errno_of(host_call(HOST_RENAME, (u64)directory, strlen(from), (u64)directory, strlen(to),
                              ANSWER_NONE));
}

u32 host_name_remove(int32_t directory, const char *path, u32 is_directory)
{
    path_put(0, path);
    return errno_of(
        host_call(HOST_REMOVE, (u64)directory, strlen(path), is_directory, 0, ANSWER_NONE));
}

u32 host_name_make(int32_t directory, const char *path)
{
    path_put(0, path);
    return errno_of(
        host_call(HOST_MAKE_DIRECTORY, (u64)directory, strlen(path), 0, 0, ANSWER_NONE));
}
