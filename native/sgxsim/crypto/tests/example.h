// SPDX-License-Identifier: Apache-2.0
/* The example SIGSTRUCT as a structure, and the enclave it fits. */
#ifndef SGXSIM_CRYPTO_TESTS_EXAMPLE_H
#define SGXSIM_CRYPTO_TESTS_EXAMPLE_H

#include "../sigstruct.h"
#include "example_sigstruct.h"
#include "tap.h"

static inline struct sigstruct example_sigstruct(void)
{
    const char *const parts[] = {example_head, example_modulus, example_exponent, example_signature,
                                 example_body, example_q1,      example_q2};
    struct sigstruct sig;
    uint8_t *bytes = (uint8_t *)&sig;
    size_t size = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        size += from_hex(bytes + size, sizeof sig - size, parts[i]);
    if (size != sizeof sig)
        abort();
    return sig;
}

static inline struct launch_view example_enclave(void)
{
    struct launch_view enclave = {
        .attributes = SGX_ATTRIBUTE_MODE64BIT | SGX_ATTRIBUTE_DEBUG,
        .xfrm = 0xe7,
        .miscselect = 1,
    };
    for (size_t i = 0; i < sizeof enclave.mrenclave; i++)
        enclave.mrenclave[i] = (uint8_t)(i + 1);
    return enclave;
}

#endif
