// SPDX-License-Identifier: Apache-2.0
/* The ioctls that build an enclave; results as the driver's, arch/x86/kernel/cpu/sgx/ioctl.c of
 * Linux 6.1. The lock of enclaves is held. */
#ifndef SGXSIM_BUILD_H
#define SGXSIM_BUILD_H

#include "enclave.h"

long enclave_create(struct enclave *enclave, int fd, uint64_t argument);
/* `blocked` is the program's signal mask: any other signal ends the call early, as in the kernel.
 */
long enclave_add_pages(struct enclave *enclave, int fd, uint64_t argument, uint64_t blocked);
long enclave_init(struct enclave *enclave, uint64_t argument);
long enclave_provision(struct enclave *enclave, uint64_t argument);

/* Their steps, for the legacy driver's. */
long enclave_create_from(struct enclave *enclave, int fd, uint64_t secs_user);

struct page_source {
    uint64_t offset, source; /* in the enclave and in the host's memory */
    struct secinfo secinfo;
    uint16_t measured; /* a bit for each 256 bytes of a page */
};
/* Adds up to `count` pages; how many, and why no more in `error`. The caller applies permissions.
 */
uint64_t enclave_add_batch(struct enclave *enclave, int fd, const struct page_source *pages,
                           uint64_t count, long *error);

/* `token`: SERVICE_TOKEN bytes, NULL for a driver without; what it can do without privilege and
 * loads as the launch key's hash differs, too. 0, -errno, or positive the processor's error code.
 */
long enclave_init_from(struct enclave *enclave, uint64_t sigstruct_user, const uint8_t *token);

#endif
