// SPDX-License-Identifier: Apache-2.0
/*
 * --fidelity: what a processor would do and the platform otherwise lets pass. Interrupts at any
 * instruction inside, without a signal for the host; instructions that the enclave's XFRM does not
 * allow; accesses to enclave memory from outside, where the processor has protection keys. No entry
 * or exit passes without a trap then.
 */
#ifndef SGXSIM_FIDELITY_H
#define SGXSIM_FIDELITY_H

#include "frame.h"
#include "thread.h"

extern int fidelity; /* set from the options, before fidelity_start */

/* A protection key for enclave memory, if there are keys. */
void fidelity_start(void);

/* On every way in and out: `context` is what the thread goes on with. */
void fidelity_goes_inside(struct thread *thread, struct context *context);
void fidelity_comes_outside(struct thread *thread, struct context *context);

/* To be called before a block is given to another thread. */
void fidelity_forget(struct thread *thread);

/* First thing in the handler: the kernel lets signal handlers touch no memory under a key. */
void fidelity_open_memory(void);

/* Whether the signal is this thread's own interrupt. */
int is_interrupt(const struct thread *thread, int signal, const siginfo_t *info);

/* At an interrupt or fault inside: 1 when something was found and the enclave has been left. */
int fidelity_stops(struct thread *thread, struct context *context);

/* Whether a fault outside is an access to enclave memory; says so. */
void fidelity_report(int signal, const siginfo_t *info);

/* mprotect for enclave memory. */
void fidelity_protect(uint64_t address, uint64_t size, int protection, uint64_t xfrm);

#endif
