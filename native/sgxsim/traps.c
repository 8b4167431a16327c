// SPDX-License-Identifier: Apache-2.0
#include "traps.h"
#include "altstack.h"
#include "clone.h"
#include "deliver.h"
#include "device.h"
#include "dispositions.h"
#include "exec.h"
#include "maps.h"
#include "mask.h"
#include "nodes.h"
#include "segment_bases.h"
#include "self_path.h"
#include "thunks.h"

/* What a trap leaves behind: a result for RAX, or one of these. No call returns them. */
enum { REPEAT = -5000, CONTEXT_IS_SET };

static long answer(struct thread *thread, long number, struct context *context)
{
    uint64_t *reg = context->reg;
    uint64_t a = reg[RDI], b = reg[RSI], c = reg[RDX], d = reg[R10], e = reg[R8], f = reg[R9];
    long result;
    switch (number) {
    case __NR_rt_sigaction:
        return do_rt_sigaction(thread, a, b, c, d);
    case __NR_rt_sigprocmask:
        return do_rt_sigprocmask(thread, a, b, c, d, context);
    case __NR_rt_sigreturn:
        do_rt_sigreturn(thread, context);
        return CONTEXT_IS_SET;
    case __NR_sigaltstack:
        return do_sigaltstack(thread, a, b, reg[RSP]);
    case __NR_arch_prctl:
        return host_base_set(thread, a, b, &result) ? result : REPEAT;
    case __NR_clone:
        do_clone(thread, context);
        return CONTEXT_IS_SET;
    case __NR_clone3:
        do_clone3(thread, context);
        return CONTEXT_IS_SET;
    case __NR_execve:
        return do_exec(thread, AT_CURRENT_DIRECTORY, a, b, c, 0, context);
    case __NR_execveat:
        return do_exec(thread, (int)a, b, c, d, (int)e, context);
    case __NR_open:
        return device_open(AT_CURRENT_DIRECTORY, a, (int)b, &result) ||
                       self_open(a, (int)b, &result)
                   ? result
                   : REPEAT;
    case __NR_openat:
        return device_open((int)a, b, (int)c, &result) || self_open(b, (int)c, &result) ? result
                                                                                        : REPEAT;
    case __NR_openat2:
        return device_open2((int)a, b, c, &result) ? result : REPEAT;
    case __NR_ioctl:
        return device_ioctl((int)a, (uint32_t)b, c, mask_of(thread, context), &result) ? result
                                                                                       : REPEAT;
    case __NR_mmap:
        return enclave_mmap(a, b, (int)c, (int)d, (int)e, f, &result) ? result : REPEAT;
    case __NR_munmap:
        return enclave_munmap(a, b, &result) ? result : REPEAT;
    case __NR_mprotect:
    case __NR_pkey_mprotect:
        return enclave_mprotect(a, b, (int)c, &result) ? result : REPEAT;
    case __NR_readlink:
        return self_readlink(a, b, c, &result) || node_readlink(a, &result) ? result : REPEAT;
    case __NR_readlinkat:
        return self_readlink(b, c, d, &result) || node_readlink(b, &result) ? result : REPEAT;
    case __NR_stat:
    case __NR_lstat:
        return node_stat(a, b, &result) ? result : REPEAT;
    case __NR_newfstatat:
        return node_stat(b, c, &result) ? result : REPEAT;
    case __NR_statx:
        return node_statx(b, e, &result) ? result : REPEAT;
    case __NR_access:
        return node_access(a, (int)b, &result) ? result : REPEAT;
    case __NR_faccessat:
    case __NR_faccessat2:
        return node_access(b, (int)c, &result) ? result : REPEAT;
    default:
        return REPEAT;
    }
}

void trapped_call(struct thread *thread, long number, struct context *context)
{
    long result = answer(thread, number, context);
    if (result == REPEAT)
        repeat_outside(thread, context);
    else if (result != CONTEXT_IS_SET)
        context->reg[RAX] = (uint64_t)result;
}
