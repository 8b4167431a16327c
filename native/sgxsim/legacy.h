// SPDX-License-Identifier: Apache-2.0
/*
 * The out-of-tree driver's device, /dev/isgx, of processors whose launch control is locked: pages
 * one by one, and EINIT with a launch token. Structures and results are those of its sgx_user.h and
 * sgx_ioctl.c. One enclave a descriptor, which that driver does not ask for.
 */
#ifndef SGXSIM_LEGACY_H
#define SGXSIM_LEGACY_H

#include "enclave.h"

/* The ioctl of a descriptor of KIND_LEGACY. The lock of enclaves is held. */
long legacy_ioctl(struct enclave *enclave, int fd, uint32_t request, uint64_t argument);

/* Reserves a place of `size` bytes for a host that names none: at a multiple of the size, as an
 * enclave's base must be. -errno. */
long legacy_place(uint64_t size);

#endif
