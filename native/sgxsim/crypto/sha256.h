// SPDX-License-Identifier: Apache-2.0
/* SHA-256 (FIPS 180-4, 6.2). The state holds no pointer, so it may live in shared memory. */
#ifndef SGXSIM_CRYPTO_SHA256_H
#define SGXSIM_CRYPTO_SHA256_H

#include <stddef.h>
#include <stdint.h>
#include "engine.h"

#define SHA256_SIZE 32
#define SHA256_BLOCK 64

struct sha256 {
    uint32_t state[8];
    uint64_t size;                 /* bytes so far */
    uint8_t pending[SHA256_BLOCK]; /* the size % 64 bytes that fill no block yet */
    bool ni;
};

void sha256_init(struct sha256 *hash, struct crypto_engine engine);
void sha256_update(struct sha256 *hash, const void *data, size_t size);
/* Leaves `hash` as it was: a measurement can be read and continued. */
void sha256_final(const struct sha256 *hash, uint8_t digest[SHA256_SIZE]);
void sha256(struct crypto_engine engine, const void *data, size_t size,
            uint8_t digest[SHA256_SIZE]);

#endif
