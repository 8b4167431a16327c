// SPDX-License-Identifier: Apache-2.0
/* proc_*, sched_yield, random_get. */
#include "enclave.h"
#include "host.h"
#include "memory.h"
#include "wasi/wasi.h"

/* WASI's signals have Linux's numbers, but for one that it lacks (SIGSTKFLT, 16). */
enum { WASI_SIGNAL_MAX = 30, LAST_EQUAL = 15 };

void WASI(proc_exit)(void *instance, u32 code)
{
    (void)instance;
    program_exit(code);
}

u32 WASI(proc_raise)(void *instance, u32 signal)
{
    (void)instance;
    if (signal > WASI_SIGNAL_MAX)
        return WASI_EINVAL;
    if (signal == 0)
        return WASI_SUCCESS;
    u32 number = signal <= LAST_EQUAL ? signal : signal + 1;
    int64_t result = host_call(HOST_RAISE, number, 0, 0, 0, ANSWER_NONE);
    return result < 0 ? wasi_errno(result) : WASI_SUCCESS;
}

u32 WASI(sched_yield)(void *instance)
{
    (void)instance;
    int64_t result = host_call(HOST_YIELD, 0, 0, 0, 0, ANSWER_NONE);
    return result < 0 ? wasi_errno(result) : WASI_SUCCESS;
}

u32 WASI(random_get)(void *instance, u32 buf, u32 buf_len)
{
    (void)instance;
    void *place = guest(buf, buf_len);
    if (place == NULL)
        return WASI_EFAULT;
    random_bytes(place, buf_len);
    return WASI_SUCCESS;
}
