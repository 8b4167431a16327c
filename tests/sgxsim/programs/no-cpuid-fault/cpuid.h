/* SPDX-License-Identifier: Apache-2.0 */
/* For programs that are compiled on a processor that cannot fault CPUID: __cpuid_count answers leaf
 * 0x12 as the platform would (docs/protocol/simulation.md, "Fixed values"), and nothing else. */
#include_next <cpuid.h>
#undef __cpuid_count
#define __cpuid_count(leaf, subleaf, eax, ebx, ecx, edx)                                           \
    do {                                                                                           \
        unsigned sgx = (leaf) == 0x12, sub = (subleaf);                                            \
        eax = sgx && sub == 0 ? 3 : sgx && sub == 2 ? 0x80000001 : 0;                              \
        ebx = sgx && sub == 0;                                                                     \
        ecx = sgx && sub == 2 ? (64u << 20) | 1 : 0;                                               \
        edx = sgx && sub == 0 ? 36u << 8 | 31 : 0;                                                 \
    } while (0)
