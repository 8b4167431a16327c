// SPDX-License-Identifier: Apache-2.0
/*
 * What the processor defines and several of these files share: error codes of the SGX leaves
 * (SDM vol. 3D, "Error Codes"), ATTRIBUTES bits, SECINFO. All integers are little-endian, which is
 * the byte order of the only machine this is built for.
 */
#ifndef SGXSIM_CRYPTO_ARCHITECTURE_H
#define SGXSIM_CRYPTO_ARCHITECTURE_H

#include <stdint.h>

/* What EINIT and EGETKEY leave in RAX; 0 is success. */
enum sgx_error {
    SGX_INVALID_SIG_STRUCT = 1,
    SGX_INVALID_ATTRIBUTE = 2,
    SGX_INVALID_MEASUREMENT = 4,
    SGX_INVALID_SIGNATURE = 8,
    SGX_INVALID_EINITTOKEN = 16,
    SGX_INVALID_CPUSVN = 32,
    SGX_INVALID_ISVSVN = 64,
    SGX_INVALID_KEYNAME = 256,
};

/* No value of RAX: the leaf raises #GP(0) instead of returning. */
#define SGX_RAISES_GP UINT32_MAX

/* ATTRIBUTES.FLAGS. */
#define SGX_ATTRIBUTE_INIT UINT64_C(0x1)
#define SGX_ATTRIBUTE_DEBUG UINT64_C(0x2)
#define SGX_ATTRIBUTE_MODE64BIT UINT64_C(0x4)
#define SGX_ATTRIBUTE_PROVISION_KEY UINT64_C(0x10)
#define SGX_ATTRIBUTE_EINITTOKEN_KEY UINT64_C(0x20)
#define SGX_ATTRIBUTE_KSS UINT64_C(0x80)

struct sgx_attributes {
    uint64_t flags; /* @0 */
    uint64_t xfrm;  /* @8 */
};
_Static_assert(sizeof(struct sgx_attributes) == 16, "ATTRIBUTES");

#define SGX_SECINFO_SIZE 64

#endif
