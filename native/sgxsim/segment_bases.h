// SPDX-License-Identifier: Apache-2.0
/*
 * FS and GS base: the host program's outside, the enclave's inside. RDFSBASE and its like are used
 * only where the kernel knows of them (AT_HWCAP2, HWCAP2_FSGSBASE): another one may leave them
 * enabled, as in guests whose CPUID hides FSGSBASE, and at a thread switch loads the base it last
 * set itself.
 */
#ifndef SGXSIM_SEGMENT_BASES_H
#define SGXSIM_SEGMENT_BASES_H

#include "start_stack.h"
#include "thread.h"

void segment_bases_start(const struct start_vectors *vectors);

/* Whether a base written by an instruction survives a thread switch. */
int kernel_keeps_bases(void);

/* Two words: FS base, GS base. Called from assembler, with either side's in the registers; for
 * save_bases the words are a thread's own, or, where the kernel keeps bases, any. */
void save_bases(uint64_t bases[2]);
void load_bases(const uint64_t bases[2]);

/* The host program's arch_prctl(code, value), made and noted, if it sets a base. */
int host_base_set(struct thread *thread, uint64_t code, uint64_t value, long *result);

#endif
