// SPDX-License-Identifier: Apache-2.0
/* The ioctls that build an enclave; results as the driver's, arch/x86/kernel/cpu/sgx/ioctl.c of
 * Linux 6.1. The lock of enclaves is held. */
#ifndef SGXSIM_BUILD_H
#define SGXSIM_BUILD_H

#include "enclave.h"

struct secinfo {
    uint64_t flags;       /* @0 permissions 0-2, state 3-5, page type 8-15 */
    uint8_t reserved[56]; /* @8 */
};
_Static_assert(sizeof(struct secinfo) == SGX_SECINFO_SIZE, "SECINFO");
#define SECINFO_TYPE(flags) ((uint8_t)((flags) >> 8))
#define SECINFO_TYPE_MASK 0xff00UL
#define SECINFO_STATE_MASK 0x38UL

long enclave_create(struct enclave *enclave, int fd, uint64_t argument);
long enclave_add_pages(struct enclave *enclave, uint64_t argument);
long enclave_init(struct enclave *enclave, uint64_t argument);
long enclave_provision(struct enclave *enclave, uint64_t argument);

#endif
