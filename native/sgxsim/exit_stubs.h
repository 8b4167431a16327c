// SPDX-License-Identifier: Apache-2.0
/*
 * EEXIT without a trap. After EINIT, when nothing is measured any more, the instruction that loads
 * EEXIT's number before an ENCLU is replaced by a jump, via a stub near the enclave, to fast_exit
 * (gate.S). The ENCLU itself stays for code that jumps to it.
 */
#ifndef SGXSIM_EXIT_STUBS_H
#define SGXSIM_EXIT_STUBS_H

#include "enclave.h"

/* Looks at the processor; `allowed` is --fast-exit. */
void exit_stubs_start(int allowed);

/* Replaces what can be replaced; says with --verbose what it found and why something was not. */
void exit_stubs_install(struct enclave *enclave);

/* Makes the stubs of an enclave that was initialised before, perhaps by another process, reachable
 * here; where they cannot be, takes the jumps out again. */
void exit_stubs_adopt(struct enclave *enclave);

/* Gives this process's stubs up, with its view of the enclave's memory. */
void exit_stubs_remove(struct enclave *enclave);

/* Where fast_exit must find the thread that has entered through `tcs`. */
uint64_t *exit_slot_of(struct enclave *enclave, const struct tcs *tcs);

/* A TCS was added to an enclave that runs: its GS base may be another's. */
void exit_stubs_new_tcs(struct enclave *enclave, uint64_t index);

/* Whether `rip` is in a stub. */
int is_exit_stub(uint64_t rip);

#endif
