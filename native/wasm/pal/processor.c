// SPDX-License-Identifier: Apache-2.0
#include "processor.h"

#include <cpuid.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "skeleton/output.h"

enum { EBX = 1, ECX = 2 };
enum { XFRM_AVX = 4 };

struct feature {
    uint32_t leaf;
    uint8_t index; /* of the register */
    uint8_t bit;
    bool avx; /* only for enclaves with AVX */
    const char *name;
};

/*
 * SDM volume 2, CPUID. -march=x86-64-v2 and, with AVX, x86-64-v3 (psABI, "Micro-Architecture
 * Levels"); AES-GCM's instructions (aes_gcm.c); XRSTOR and RDRAND (entry.S).
 */
static const struct feature features[] = {
    {1, ECX, 0, false, "SSE3"},
    {1, ECX, 9, false, "SSSE3"},
    {1, ECX, 13, false, "CMPXCHG16B"},
    {1, ECX, 19, false, "SSE4.1"},
    {1, ECX, 20, false, "SSE4.2"},
    {1, ECX, 23, false, "POPCNT"},
    {0x80000001, ECX, 0, false, "LAHF and SAHF"},
    {1, ECX, 25, false, "AES-NI"},
    {1, ECX, 1, false, "PCLMULQDQ"},
    {1, ECX, 30, false, "RDRAND"},
    {1, ECX, 26, false, "XSAVE"},
    {1, ECX, 27, false, "XSAVE, as the kernel leaves it off,"},
    {1, ECX, 28, true, "AVX"},
    {1, ECX, 12, true, "FMA"},
    {1, ECX, 22, true, "MOVBE"},
    {1, ECX, 29, true, "F16C"},
    {7, EBX, 3, true, "BMI1"},
    {7, EBX, 5, true, "AVX2"},
    {7, EBX, 8, true, "BMI2"},
    {0x80000001, ECX, 5, true, "LZCNT"},
};

void cpuid_of_processor(uint32_t leaf, uint32_t subleaf, uint32_t registers[4])
{
    memset(registers, 0, 4 * sizeof(*registers));
    __get_cpuid_count(leaf, subleaf, &registers[0], &registers[1], &registers[2], &registers[3]);
}

static const struct feature *missing(cpuid_function *cpuid, uint64_t xfrm)
{
    for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
        const struct feature *feature = &features[i];
        uint32_t registers[4];
        if (feature->avx && !(xfrm & XFRM_AVX))
            continue;
        cpuid(feature->leaf, 0, registers);
        if (!(registers[feature->index] >> feature->bit & 1))
            return feature;
    }
    return NULL;
}

const char *processor_lacks(cpuid_function *cpuid, uint64_t xfrm)
{
    const struct feature *feature = missing(cpuid, xfrm);
    return feature == NULL ? NULL : feature->name;
}

int processor_check(cpuid_function *cpuid, uint64_t xfrm)
{
    const struct feature *feature = missing(cpuid, xfrm);
    if (feature == NULL)
        return 0;
    output_log(
        LOG_ERROR, "the processor has no %s, which %s need; %s", feature->name,
        feature->avx ? "enclaves built with `enclave.avx`" : "WebAssembly enclaves",
        feature->avx
            ? "build the enclave without it"
            : "if this is a virtual machine, give it the host's processor model (-cpu host)");
    return -EOPNOTSUPP;
}
