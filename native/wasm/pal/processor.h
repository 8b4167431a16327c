// SPDX-License-Identifier: Apache-2.0
/* What an enclave's code takes for granted: CPUID is not to be had inside, so it is asked here. */
#ifndef WASM_PROCESSOR_H
#define WASM_PROCESSOR_H

#include <stdint.h>

/* Like the instruction; zeros for a leaf that the processor does not have. EAX EBX ECX EDX. */
typedef void cpuid_function(uint32_t leaf, uint32_t subleaf, uint32_t registers[4]);

void cpuid_of_processor(uint32_t leaf, uint32_t subleaf, uint32_t registers[4]);

/*
 * The first thing that is missing for an enclave with this XFRM, or NULL. It is a courtesy and no
 * check that anything inside relies on: without it, a program would end in a trap.
 */
const char *processor_lacks(cpuid_function *cpuid, uint64_t xfrm);

/* 0, or -EOPNOTSUPP with a line on standard error. */
int processor_check(cpuid_function *cpuid, uint64_t xfrm);

#endif
