// SPDX-License-Identifier: Apache-2.0
#ifndef SKELETON_SIGSTRUCT_CHECK_H
#define SKELETON_SIGSTRUCT_CHECK_H

#include <stdint.h>

#include "sgx_abi.h"

/* What the in-tree driver is asked to start. */
struct enclave_claim {
    uint64_t attributes;
    uint64_t xfrm;
    uint32_t miscselect;
    uint8_t mrenclave[SGX_HASH_SIZE];
};

/*
 * Repeats EINIT's checks in EINIT's order (SDM volume 3D, EINIT) and returns the error code it
 * would give, 0 for none. The in-tree driver hides that code behind EPERM. Not a security check:
 * the processor has decided already.
 */
int sigstruct_check(const uint8_t sigstruct[SGX_SIGSTRUCT_SIZE], const struct enclave_claim *claim);

/* MRSIGNER: SHA-256 of the modulus. */
void sigstruct_mrsigner(const uint8_t sigstruct[SGX_SIGSTRUCT_SIZE],
                        uint8_t mrsigner[SGX_HASH_SIZE]);

#endif
