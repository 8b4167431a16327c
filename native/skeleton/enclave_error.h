// SPDX-License-Identifier: Apache-2.0
/* Error codes of ENCLS leaves (SDM volume 3D, table 36-4 and the leaves' own pages). */
#ifndef SKELETON_ENCLAVE_ERROR_H
#define SKELETON_ENCLAVE_ERROR_H

enum sgx_error {
    SGX_INVALID_SIG_STRUCT = 1,
    SGX_INVALID_ATTRIBUTE = 2,
    SGX_BLKSTATE = 3,
    SGX_INVALID_MEASUREMENT = 4,
    SGX_NOTBLOCKABLE = 5,
    SGX_PG_INVLD = 6,
    SGX_EPC_PAGE_CONFLICT = 7,
    SGX_INVALID_SIGNATURE = 8,
    SGX_MAC_COMPARE_FAIL = 9,
    SGX_ENCLAVE_ACT = 14,
    SGX_INVALID_EINITTOKEN = 16,
    SGX_INVALID_CPUSVN = 32,
    SGX_INVALID_ISVSVN = 64,
    SGX_UNMASKED_EVENT = 128,
};

/* "SGX_INVALID_MEASUREMENT"; "unknown SGX error" for a code that has no name here. */
const char *sgx_error_name(int code);

/* What that means to whoever starts the enclave; "" where the name says it all. */
const char *sgx_error_meaning(int code);

/* "page fault (#PF)" for an exception vector that ended an enclave. */
const char *exception_name(int vector);

#endif
