// SPDX-License-Identifier: Apache-2.0
#include "cpuid.h"
#include "log.h"
#include "platform.h"
#include "user_memory.h"

#define ARCH_SET_CPUID 0x1012

static int faulting;

void cpuid_start(void)
{
    faulting = call(__NR_arch_prctl, ARCH_SET_CPUID, 0) == 0;
    if (!faulting)
        note("set up CPUID: this processor cannot fault it, so programs that ask it see no SGX");
}

int is_cpuid_fault(const struct context *context)
{
    uint8_t bytes[2];
    return faulting && context->reg[TRAP_NUMBER] == VECTOR_GP &&
           read_user(bytes, context->reg[RIP], sizeof bytes) == 0 && bytes[0] == 0x0f &&
           bytes[1] == 0xa2;
}

/* The real instruction may be executed only while faulting is off (per thread). */
void emulate_cpuid(struct context *context)
{
    uint32_t leaf = (uint32_t)context->reg[RAX], subleaf = (uint32_t)context->reg[RCX];
    uint32_t answer[4];
    call(__NR_arch_prctl, ARCH_SET_CPUID, 1);
    __asm__ volatile("cpuid"
                     : "=a"(answer[0]), "=b"(answer[1]), "=c"(answer[2]), "=d"(answer[3])
                     : "0"(leaf), "2"(subleaf));
    call(__NR_arch_prctl, ARCH_SET_CPUID, 0);
    platform_cpuid(leaf, subleaf, answer);
    context->reg[RAX] = answer[0];
    context->reg[RBX] = answer[1];
    context->reg[RCX] = answer[2];
    context->reg[RDX] = answer[3];
    context->reg[RIP] += 2;
}
