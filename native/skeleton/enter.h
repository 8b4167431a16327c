// SPDX-License-Identifier: Apache-2.0
#ifndef SKELETON_ENTER_H
#define SKELETON_ENTER_H

#include <stdint.h>

/* One call; enter.S knows the offsets. */
struct ecall {
    uint64_t number;
    uint64_t tcs;
    uint64_t arguments[3];
    uint64_t result; /* out */
};

/*
 * Enters the enclave and waits for its exit, through the kernel's vDSO where it has the function:
 * an exception in the enclave is then -EFAULT, logged. Without it the exception is a signal.
 */
int enter(struct ecall *call);

/* The vDSO's __vdso_sgx_enter_enclave, or NULL. */
void *vdso_enter_function(void);

#endif
