// SPDX-License-Identifier: Apache-2.0
/* Small things the cryptography shares: byte order, comparison, erasure. */
#ifndef SGXSIM_CRYPTO_BYTES_H
#define SGXSIM_CRYPTO_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t load_big_endian32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return __builtin_bswap32(value);
}

static inline void store_big_endian32(uint8_t *at, uint32_t value)
{
    value = __builtin_bswap32(value);
    memcpy(at, &value, sizeof value);
}

/* Takes as long for any two inputs, so that a wrong MAC or measurement tells nothing by its time.
 */
static inline bool equal_bytes(const uint8_t *a, const uint8_t *b, size_t size)
{
    uint8_t difference = 0;
    for (size_t i = 0; i < size; i++)
        difference |= (uint8_t)(a[i] ^ b[i]);
    return difference == 0;
}

static inline bool zero_bytes(const uint8_t *bytes, size_t size)
{
    uint8_t found = 0;
    for (size_t i = 0; i < size; i++)
        found |= bytes[i];
    return found == 0;
}

/* Erases a secret; the barrier keeps the compiler from leaving it out as a dead store. */
static inline void wipe(void *secret, size_t size)
{
    memset(secret, 0, size);
    __asm__ volatile("" : : "r"(secret) : "memory");
}

#endif
