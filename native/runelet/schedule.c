// SPDX-License-Identifier: Apache-2.0
/* How the kernel runs a process: CPUs, policy, I/O priority, memory policy, execution domain. */
#include "operations.h"

#include <errno.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

#define IOPRIO_WHO_PROCESS 1
#define MASK_MAX 1024 /* bytes: 8192 CPUs or nodes, more than any kernel is built for */

/* struct sched_attr of include/uapi/linux/sched/types.h, second version: its flags for
 * utilisation clamps demand the two values. */
struct sched_attr_v1 {
    uint32_t size;
    uint32_t policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime;
    uint64_t deadline;
    uint64_t period;
    uint32_t util_min;
    uint32_t util_max;
};

/* A mask of the plan, in words as the kernel wants them; its size in bytes, or -1. */
static long read_mask(struct reader *payload, uint64_t words[MASK_MAX / 8], struct failure *f)
{
    uint32_t size;
    const uint8_t *bytes = read_bytes(payload, &size);
    if (payload_done(payload, f) < 0)
        return -1;
    if (size % 8 != 0 || size > MASK_MAX)
        return fail_code(f, FAILURE_PLAN, "a mask of odd size", "read the launch plan");
    memset(words, 0, MASK_MAX);
    memcpy(words, bytes, size);
    return (long)size;
}

int op_affinity(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run;
    uint64_t words[MASK_MAX / 8];
    long size = read_mask(payload, words, f);
    if (size < 0)
        return -1;
    if (size == 0) {
        memset(words, 0xff, sizeof(words));
        syscall(SYS_sched_setaffinity, 0, sizeof(words), words);
        return 0;
    }
    return syscall(SYS_sched_setaffinity, 0, (size_t)size, words) < 0
               ? fail_errno(f, errno, "set CPU affinity")
               : 0;
}

int op_scheduler(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run;
    struct sched_attr_v1 attr = {.size = sizeof(attr)};
    attr.policy = read_u32(payload);
    attr.flags = read_u64(payload);
    attr.nice = (int32_t)read_u32(payload);
    attr.priority = read_u32(payload);
    attr.runtime = read_u64(payload);
    attr.deadline = read_u64(payload);
    attr.period = read_u64(payload);
    if (payload_done(payload, f) < 0)
        return -1;
    return syscall(SYS_sched_setattr, 0, &attr, 0) < 0
               ? fail_errno(f, errno, "set scheduling policy %u", attr.policy)
               : 0;
}

int op_io_priority(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run;
    uint32_t value = read_u32(payload);
    if (payload_done(payload, f) < 0)
        return -1;
    return syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, value) < 0
               ? fail_errno(f, errno, "set I/O priority %#x", value)
               : 0;
}

int op_memory_policy(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run;
    uint64_t words[MASK_MAX / 8];
    uint32_t mode = read_u32(payload);
    long size = read_mask(payload, words, f);
    if (size < 0)
        return -1;
    /* The kernel reads one bit less than it is told (get_nodes in mm/mempolicy.c). */
    unsigned long bits = size == 0 ? 0 : (unsigned long)size * 8 + 1;
    return syscall(SYS_set_mempolicy, mode, size == 0 ? NULL : words, bits) < 0
               ? fail_errno(f, errno, "set memory policy %#x", mode)
               : 0;
}

int op_personality(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run;
    uint32_t domain = read_u32(payload);
    if (payload_done(payload, f) < 0)
        return -1;
    return personality(domain) < 0 ? fail_errno(f, errno, "set execution domain %#x", domain) : 0;
}
