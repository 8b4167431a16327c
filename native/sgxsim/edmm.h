// SPDX-License-Identifier: Apache-2.0
/* The driver's ioctls for changing an enclave that runs (SGX2). The lock of enclaves is held. */
#ifndef SGXSIM_EDMM_H
#define SGXSIM_EDMM_H

#include "enclave.h"

long enclave_restrict_permissions(struct enclave *enclave, uint64_t argument);
long enclave_modify_types(struct enclave *enclave, uint64_t argument);
long enclave_remove_pages(struct enclave *enclave, uint64_t argument);

#endif
