// SPDX-License-Identifier: Apache-2.0
/*
 * Which instructions the hash and the cipher may use. The caller decides once and passes it on:
 * nothing here keeps state of its own, and an emulator that makes CPUID fault must ask before.
 */
#ifndef SGXSIM_CRYPTO_ENGINE_H
#define SGXSIM_CRYPTO_ENGINE_H

#include <stdbool.h>

struct crypto_engine {
    bool sha; /* SHA-NI with SSSE3 and SSE4.1 */
    bool aes; /* AES-NI */
};

/* What this processor has. Executes CPUID. */
struct crypto_engine crypto_engine_detect(void);

#endif
