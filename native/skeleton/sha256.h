// SPDX-License-Identifier: Apache-2.0
/* SHA-256 (FIPS 180-4), for measuring; the PAL links nothing but libc. */
#ifndef SKELETON_SHA256_H
#define SKELETON_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct sha256 {
    uint32_t state[8];
    uint64_t length; /* bytes so far */
    uint8_t block[64];
};

void sha256_start(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const void *bytes, size_t size);
void sha256_finish(struct sha256 *hash, uint8_t digest[32]);

#endif
