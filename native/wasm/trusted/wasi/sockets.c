// SPDX-License-Identifier: Apache-2.0
/* sock_*. */
#include "descriptors.h"
#include "host.h"
#include "memory.h"
#include "plain_memory.h"
#include "wasi/transfer.h"
#include "wasi/wasi.h"

enum { RIFLAGS_ALL = 3, ROFLAGS_DATA_TRUNCATED = 1, SHUT_READ = 1, SHUT_WRITE = 2 };

static struct descriptor *socket_get(u32 fd, u64 rights, u32 *error)
{
    struct descriptor *descriptor = descriptor_get(fd, rights, error);
    if (descriptor == NULL)
        return NULL;
    if (descriptor->type == FILETYPE_SOCKET_STREAM || descriptor->type == FILETYPE_SOCKET_DGRAM)
        return descriptor;
    *error = WASI_ENOTSOCK;
    return NULL;
}

u32 WASI(sock_accept)(void *instance, u32 fd, u32 flags, u32 accepted)
{
    (void)instance;
    u32 error, number;
    struct descriptor *listener = socket_get(fd, RIGHT_SOCK_ACCEPT, &error);
    if (listener == NULL)
        return error;
    if (flags & ~(u32)FDFLAGS_NONBLOCK)
        return WASI_EINVAL;
    if (guest(accepted, 4) == NULL)
        return WASI_EFAULT;
    u64 host_flags = (flags & FDFLAGS_NONBLOCK) ? HOST_OPEN_NONBLOCK : 0;
    int64_t host = host_call(HOST_ACCEPT, (u64)listener->host, host_flags, 0, 0, ANSWER_DESCRIPTOR);
    if (host < 0)
        return wasi_errno(host);
    error = descriptor_add_host((int32_t)host, FILETYPE_SOCKET_STREAM, (uint16_t)flags,
                                listener->inheriting, 0, &number);
    if (error == WASI_SUCCESS)
        guest_put32(accepted, number);
    return error;
}

u32 WASI(sock_recv)(void *instance, u32 fd, u32 iovs, u32 iovs_len, u32 flags, u32 nread,
                    u32 roflags)
{
    (void)instance;
    u32 error;
    struct vectors vectors;
    struct descriptor *descriptor = socket_get(fd, RIGHT_FD_READ, &error);
    if (descriptor == NULL)
        return error;
    if (flags & ~(u32)RIFLAGS_ALL)
        return WASI_EINVAL;
    uint8_t *out_flags = guest(roflags, 2);
    if (!vectors_check(iovs, iovs_len, &vectors) || guest(nread, 4) == NULL || out_flags == NULL)
        return WASI_EFAULT;
    int64_t result =
        host_call(HOST_RECEIVE, (u64)descriptor->host, vectors.size, flags, 0, vectors.size);
    if (result < 0)
        return wasi_errno(result);
    const uint16_t truncated = host_extra() == 1 ? ROFLAGS_DATA_TRUNCATED : 0;
    if (!vectors_from_host(&vectors, (size_t)result))
        return WASI_ENOMEM;
    guest_put32(nread, (u32)result);
    memcpy(out_flags, &truncated, 2);
    return WASI_SUCCESS;
}

u32 WASI(sock_send)(void *instance, u32 fd, u32 iovs, u32 iovs_len, u32 flags, u32 nwritten)
{
    (void)instance;
    u32 error;
    struct vectors vectors;
    struct descriptor *descriptor = socket_get(fd, RIGHT_FD_WRITE, &error);
    if (descriptor == NULL)
        return error;
    if (flags != 0)
        return WASI_EINVAL;
    if (!vectors_check(iovs, iovs_len, &vectors) || guest(nwritten, 4) == NULL)
        return WASI_EFAULT;
    if (!vectors_to_host(&vectors))
        return WASI_ENOMEM;
    int64_t result = host_call(HOST_SEND, (u64)descriptor->host, vectors.size, 0, 0, vectors.size);
    if (result < 0)
        return wasi_errno(result);
    guest_put32(nwritten, (u32)result);
    return WASI_SUCCESS;
}

u32 WASI(sock_shutdown)(void *instance, u32 fd, u32 how)
{
    (void)instance;
    u32 error;
    struct descriptor *descriptor = socket_get(fd, RIGHT_SOCK_SHUTDOWN, &error);
    if (descriptor == NULL)
        return error;
    if (how == 0 || how > (SHUT_READ | SHUT_WRITE))
        return WASI_EINVAL;
    int64_t result = host_call(HOST_SHUT_DOWN, (u64)descriptor->host, how, 0, 0, ANSWER_NONE);
    return result < 0 ? wasi_errno(result) : WASI_SUCCESS;
}
