// SPDX-License-Identifier: Apache-2.0
/* The emulator's vDSO and the kernel's. */
#ifndef SGXSIM_VDSO_LINK_H
#define SGXSIM_VDSO_LINK_H

#include "base.h"

/* Fills the table of forwards from the kernel's vDSO (0 where there is none); returns the address
 * of the emulator's, for AT_SYSINFO_EHDR. */
uint64_t vdso_start(uint64_t kernel_vdso);

/* The vDSO's ENCLU instruction, and where it goes on after an exception. */
extern uint64_t vdso_aep, vdso_exception;

#endif
