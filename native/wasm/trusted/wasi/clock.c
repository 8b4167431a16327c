// SPDX-License-Identifier: Apache-2.0
/* clock_*. Time is the host's: only that CLOCK_MONOTONIC never goes back is the enclave's word. */
#include "host.h"
#include "memory.h"
#include "wasi/clock.h"
#include "wasi/wasi.h"

int64_t clock_now(u32 id)
{
    static int64_t latest;
    int64_t now = host_call(HOST_CLOCK, id, 0, 0, 0, ANSWER_ANY);
    if (now < 0 || id != CLOCK_MONOTONIC)
        return now;
    if (now > latest)
        latest = now;
    return latest;
}

u32 WASI(clock_res_get)(void *instance, u32 id, u32 resolution)
{
    (void)instance;
    if (id > CLOCK_THREAD_CPUTIME)
        return WASI_EINVAL;
    int64_t value = host_call(HOST_CLOCK_RESOLUTION, id, 0, 0, 0, ANSWER_ANY);
    if (value < 0)
        return wasi_errno(value);
    return guest_put64(resolution, (u64)value) ? WASI_SUCCESS : WASI_EFAULT;
}

u32 WASI(clock_time_get)(void *instance, u32 id, u64 precision, u32 time)
{
    (void)instance;
    (void)precision;
    if (id > CLOCK_THREAD_CPUTIME)
        return WASI_EINVAL;
    int64_t now = clock_now(id);
    if (now < 0)
        return wasi_errno(now);
    return guest_put64(time, (u64)now) ? WASI_SUCCESS : WASI_EFAULT;
}
