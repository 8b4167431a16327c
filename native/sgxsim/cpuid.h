// SPDX-License-Identifier: Apache-2.0
/* CPUID, where the processor can be told to fault on it. */
#ifndef SGXSIM_CPUID_H
#define SGXSIM_CPUID_H

#include "frame.h"

/* Switches faulting on, where it is to be had. */
void cpuid_start(void);

/* Whether `context`, a SIGSEGV, stands at a CPUID that faulted. */
int is_cpuid_fault(const struct context *context);

/* Answers it and moves on. */
void emulate_cpuid(struct context *context);

#endif
