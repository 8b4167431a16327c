// SPDX-License-Identifier: Apache-2.0
#include "engine.h"
#include <cpuid.h>

/* CPUID.1:ECX and CPUID.(7,0):EBX (SDM vol. 2A, CPUID). */
#define LEAF1_ECX_SSSE3 (1u << 9)
#define LEAF1_ECX_SSE4_1 (1u << 19)
#define LEAF1_ECX_AES (1u << 25)
#define LEAF7_EBX_SHA (1u << 29)

struct crypto_engine crypto_engine_detect(void)
{
    struct crypto_engine engine = {0};
    unsigned eax, ebx, ecx, edx;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx))
        return engine;
    engine.aes = (ecx & LEAF1_ECX_AES) != 0;
    bool shuffles = (ecx & LEAF1_ECX_SSSE3) != 0 && (ecx & LEAF1_ECX_SSE4_1) != 0;
    if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx))
        engine.sha = shuffles && (ebx & LEAF7_EBX_SHA) != 0;
    return engine;
}
