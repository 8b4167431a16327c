// SPDX-License-Identifier: Apache-2.0
/* Reading and writing: fd_read, fd_write, fd_pread, fd_pwrite, fd_seek, fd_tell. */
#include "descriptors.h"
#include "host.h"
#include "memory.h"
#include "tree.h"
#include "wasi/transfer.h"
#include "wasi/wasi.h"

/* An offset for "where the descriptor stands". */
#define CURRENT UINT64_MAX

static u32 read_tree(struct descriptor *descriptor, const struct vectors *vectors, u64 offset,
                     u32 *count)
{
    uint8_t *buffer = transfer_buffer();
    if (buffer == NULL)
        return WASI_ENOMEM;
    u64 position = offset == CURRENT ? descriptor->position : offset;
    size_t got = tree_file_read(descriptor->file, position, buffer, vectors->size);
    vectors_scatter(vectors, buffer, got);
    if (offset == CURRENT)
        descriptor->position = position + got;
    *count = (u32)got;
    return WASI_SUCCESS;
}

static u32 write_tree(struct descriptor *descriptor, const struct vectors *vectors, u64 offset,
                      u32 *count)
{
    uint8_t *buffer = transfer_buffer();
    if (buffer == NULL)
        return WASI_ENOMEM;
    bool at_end = descriptor->flags & FDFLAGS_APPEND;
    u64 position =
        at_end ? descriptor->file->size : (offset == CURRENT ? descriptor->position : offset);
    vectors_gather(vectors, buffer);
    u32 error = tree_file_write(descriptor->file, position, buffer, vectors->size);
    if (error == WASI_SUCCESS && (descriptor->flags & (FDFLAGS_SYNC | FDFLAGS_DSYNC)))
        error = tree_file_sync(descriptor->file);
    if (error != WASI_SUCCESS)
        return error;
    if (offset == CURRENT)
        descriptor->position = position + vectors->size;
    *count = vectors->size;
    return WASI_SUCCESS;
}

static u32 read_some(u32 fd, u32 iovs, u32 iovs_len, u64 offset, u32 nread)
{
    u32 error, count;
    struct vectors vectors;
    u64 rights = RIGHT_FD_READ | (offset == CURRENT ? 0 : RIGHT_FD_SEEK);
    struct descriptor *descriptor = descriptor_get(fd, rights, &error);
    if (descriptor == NULL)
        return error;
    if (!vectors_check(iovs, iovs_len, &vectors) || guest(nread, 4) == NULL)
        return WASI_EFAULT;
    if (descriptor->kind == DESCRIPTOR_TREE_DIRECTORY)
        return WASI_EISDIR;
    if (descriptor->kind == DESCRIPTOR_TREE_FILE) {
        error = read_tree(descriptor, &vectors, offset, &count);
        if (error == WASI_SUCCESS)
            guest_put32(nread, count);
        return error;
    }
    int64_t result = host_call(offset == CURRENT ? HOST_READ : HOST_PREAD, (u64)descriptor->host,
                               vectors.size, offset, 0, vectors.size);
    if (result < 0)
        return wasi_errno(result);
    if (!vectors_from_host(&vectors, (size_t)result))
        return WASI_ENOMEM;
    guest_put32(nread, (u32)result);
    return WASI_SUCCESS;
}

static u32 write_some(u32 fd, u32 iovs, u32 iovs_len, u64 offset, u32 nwritten)
{
    u32 error, count;
    struct vectors vectors;
    u64 rights = RIGHT_FD_WRITE | (offset == CURRENT ? 0 : RIGHT_FD_SEEK);
    struct descriptor *descriptor = descriptor_get(fd, rights, &error);
    if (descriptor == NULL)
        return error;
    if (!vectors_check(iovs, iovs_len, &vectors) || guest(nwritten, 4) == NULL)
        return WASI_EFAULT;
    if (descriptor->kind == DESCRIPTOR_TREE_DIRECTORY)
        return WASI_EISDIR;
    if (descriptor->kind == DESCRIPTOR_TREE_FILE) {
        error = write_tree(descriptor, &vectors, offset, &count);
        if (error == WASI_SUCCESS)
            guest_put32(nwritten, count);
        return error;
    }
    if (!vectors_to_host(&vectors))
        return WASI_ENOMEM;
    int64_t result = host_call(offset == CURRENT ? HOST_WRITE : HOST_PWRITE, (u64)descriptor->host,
                               vectors.size, offset, 0, vectors.size);
    if (result < 0)
        return wasi_errno(result);
    guest_put32(nwritten, (u32)result);
    return WASI_SUCCESS;
}

u32 WASI(fd_read)(void *instance, u32 fd, u32 iovs, u32 iovs_len, u32 nread)
{
    (void)instance;
    return read_some(fd, iovs, iovs_len, CURRENT, nread);
}

u32 WASI(fd_pread)(void *instance, u32 fd, u32 iovs, u32 iovs_len, u64 offset, u32 nread)
{
    (void)instance;
    return offset > INT64_MAX ? WASI_EINVAL : read_some(fd, iovs, iovs_len, offset, nread);
}

u32 WASI(fd_write)(void *instance, u32 fd, u32 iovs, u32 iovs_len, u32 nwritten)
{
    (void)instance;
    return write_some(fd, iovs, iovs_len, CURRENT, nwritten);
}

u32 WASI(fd_pwrite)(void *instance, u32 fd, u32 iovs, u32 iovs_len, u64 offset, u32 nwritten)
{
    (void)instance;
    return offset > INT64_MAX ? WASI_EINVAL : write_some(fd, iovs, iovs_len, offset, nwritten);
}

static u32 seek_tree(struct descriptor *descriptor, int64_t offset, u32 whence, u64 *position)
{
    int64_t from = whence == WHENCE_SET   ? 0
                   : whence == WHENCE_CUR ? (int64_t)descriptor->position
                                          : (int64_t)descriptor->file->size;
    int64_t to;
    if (__builtin_add_overflow(from, offset, &to) || to < 0)
        return WASI_EINVAL;
    descriptor->position = (u64)to;
    *position = (u64)to;
    return WASI_SUCCESS;
}

u32 WASI(fd_seek)(void *instance, u32 fd, u64 offset, u32 whence, u32 newoffset)
{
    (void)instance;
    u32 error;
    u64 position;
    bool only_asks = offset == 0 && whence == WHENCE_CUR;
    struct descriptor *descriptor =
        descriptor_get(fd, only_asks ? RIGHT_FD_TELL : RIGHT_FD_SEEK, &error);
    if (descriptor == NULL)
        return error == WASI_ENOTCAPABLE &&
                       descriptor_get(fd, 0, &error)->type != FILETYPE_REGULAR_FILE
                   ? WASI_ESPIPE
                   : error;
    if (whence > WHENCE_END)
        return WASI_EINVAL;
    if (guest(newoffset, 8) == NULL)
        return WASI_EFAULT;
    if (descriptor->kind == DESCRIPTOR_TREE_FILE) {
        error = seek_tree(descriptor, (int64_t)offset, whence, &position);
        if (error != WASI_SUCCESS)
            return error;
    } else {
        int64_t result = host_call(HOST_SEEK, (u64)descriptor->host, offset, whence, 0, ANSWER_ANY);
        if (result < 0)
            return wasi_errno(result);
        position = (u64)result;
    }
    guest_put64(newoffset, position);
    return WASI_SUCCESS;
}

u32 WASI(fd_tell)(void *instance, u32 fd, u32 offset)
{
    return WASI(fd_seek)(instance, fd, 0, WHENCE_CUR, offset);
}
