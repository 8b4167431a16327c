// SPDX-License-Identifier: Apache-2.0
/* args_* and environ_*. */
#include "memory.h"
#include "plain_memory.h"
#include "vectors.h"
#include "wasi/wasi.h"

static u32 sizes(const struct strings *strings, u32 count, u32 size)
{
    if (!guest_put32(count, strings->count) || !guest_put32(size, strings->size))
        return WASI_EFAULT;
    return WASI_SUCCESS;
}

static u32 put(const struct strings *strings, u32 pointers, u32 buffer)
{
    char *bytes = guest(buffer, strings->size);
    if (bytes == NULL || guest(pointers, (u64)strings->count * 4) == NULL)
        return WASI_EFAULT;
    u32 at = 0;
    for (u32 i = 0; i < strings->count; i++) {
        guest_put32(pointers + 4 * i, buffer + at);
        at += (u32)strlen(strings->bytes + at) + 1;
    }
    memcpy(bytes, strings->bytes, strings->size);
    return WASI_SUCCESS;
}

u32 WASI(args_sizes_get)(void *instance, u32 argc, u32 argv_buf_size)
{
    (void)instance;
    return sizes(&program_arguments, argc, argv_buf_size);
}

u32 WASI(args_get)(void *instance, u32 argv, u32 argv_buf)
{
    (void)instance;
    return put(&program_arguments, argv, argv_buf);
}

u32 WASI(environ_sizes_get)(void *instance, u32 count, u32 buf_size)
{
    (void)instance;
    return sizes(&program_variables, count, buf_size);
}

u32 WASI(environ_get)(void *instance, u32 environ, u32 environ_buf)
{
    (void)instance;
    return put(&program_variables, environ, environ_buf);
}
