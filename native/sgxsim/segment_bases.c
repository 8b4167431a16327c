// SPDX-License-Identifier: Apache-2.0
#include "segment_bases.h"
#include <asm/prctl.h>
#include <linux/auxvec.h>

#define HWCAP2_FSGSBASE 2u /* arch/x86/include/uapi/asm/hwcap2.h */

static int keeps;

void segment_bases_start(const struct start_vectors *vectors)
{
    for (const uint64_t *entry = vectors->aux; entry[0] != AT_NULL; entry += 2) {
        if (entry[0] == AT_HWCAP2)
            keeps = (entry[1] & HWCAP2_FSGSBASE) != 0;
    }
}

int kernel_keeps_bases(void)
{
    return keeps;
}

/* Where bases change through arch_prctl only, which traps, the host's are read once a thread, and
 * the enclave's are what it was entered with. */
void save_bases(uint64_t bases[2])
{
    if (keeps) {
        __asm__ volatile("rdfsbase %0" : "=r"(bases[0]));
        __asm__ volatile("rdgsbase %0" : "=r"(bases[1]));
        return;
    }
    struct thread *thread = (struct thread *)((uint64_t)bases & ~(BLOCK_SIZE - 1UL));
    if (bases != &thread->host_fs || thread->bases_known)
        return;
    call(__NR_arch_prctl, ARCH_GET_FS, &bases[0]);
    call(__NR_arch_prctl, ARCH_GET_GS, &bases[1]);
    thread->bases_known = 1;
}

void load_bases(const uint64_t bases[2])
{
    if (keeps) {
        __asm__ volatile("wrfsbase %0" : : "r"(bases[0]) : "memory");
        __asm__ volatile("wrgsbase %0" : : "r"(bases[1]) : "memory");
        return;
    }
    call(__NR_arch_prctl, ARCH_SET_FS, bases[0]);
    call(__NR_arch_prctl, ARCH_SET_GS, bases[1]);
}

int host_base_set(struct thread *thread, uint64_t code, uint64_t value, long *result)
{
    if (code != ARCH_SET_FS && code != ARCH_SET_GS)
        return 0;
    *result = call(__NR_arch_prctl, code, value);
    if (*result != 0)
        return 1;
    if (code == ARCH_SET_GS) {
        thread->host_gs = value;
    } else {
        thread->host_fs = value;
        thread_remember_fs(thread);
    }
    return 1;
}
