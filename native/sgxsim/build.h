// SPDX-License-Identifier: Apache-2.0
/* The ioctls that build an enclave; results as the driver's, arch/x86/kernel/cpu/sgx/ioctl.c of
 * Linux 6.1. The lock of enclaves is held. */
#ifndef SGXSIM_BUILD_H
#define SGXSIM_BUILD_H

#include "enclave.h"

long enclave_create(struct enclave *enclave, int fd, uint64_t argument);
long enclave_add_pages(struct enclave *enclave, uint64_t argument);
long enclave_init(struct enclave *enclave, uint64_t argument);
long enclave_provision(struct enclave *enclave, uint64_t argument);

#endif
