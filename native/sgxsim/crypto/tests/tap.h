// SPDX-License-Identifier: Apache-2.0
/* What the unit tests share: TAP lines, hexadecimal, repeatable noise, a clock. */
#ifndef SGXSIM_CRYPTO_TESTS_TAP_H
#define SGXSIM_CRYPTO_TESTS_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int tap_count;
static int tap_failures;

static inline void ok(bool passed, const char *name)
{
    tap_count++;
    tap_failures += !passed;
    printf("%sok %d - %s\n", passed ? "" : "not ", tap_count, name);
}

static inline void skip(const char *name, const char *reason)
{
    printf("ok %d - %s # skip %s\n", ++tap_count, name, reason);
}

/* The exit status of a test program; nothing ran is a failure, too. */
static inline int done(void)
{
    printf("1..%d\n", tap_count);
    return tap_count == 0 || tap_failures != 0;
}

/* Reads hexadecimal digits into `bytes` and returns how many bytes; spaces are passed over. */
static inline size_t from_hex(uint8_t *bytes, size_t room, const char *text)
{
    size_t count = 0;
    int high = -1;
    for (; *text != '\0'; text++) {
        const char *digits = "0123456789abcdef";
        const char *digit = strchr(digits, *text);
        if (digit == NULL)
            continue;
        int value = (int)(digit - digits);
        if (high < 0) {
            high = value;
            continue;
        }
        if (count == room)
            abort();
        bytes[count++] = (uint8_t)(high << 4 | value);
        high = -1;
    }
    return count;
}

static inline bool is_hex(const uint8_t *bytes, size_t size, const char *text)
{
    uint8_t expected[1024];
    return from_hex(expected, sizeof expected, text) == size && memcmp(bytes, expected, size) == 0;
}

/* xorshift64*: a failure comes again with the same seed. */
static inline uint64_t noise(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * UINT64_C(0x2545f4914f6cdd1d);
}

static inline void fill_with_noise(uint64_t *seed, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(noise(seed) >> 32);
}

static inline double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

#endif
