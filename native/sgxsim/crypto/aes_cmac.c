// SPDX-License-Identifier: Apache-2.0
#include "aes_cmac.h"
#include <immintrin.h>
#include "bytes.h"

#define ROUNDS 10

struct key_schedule {
    uint8_t round[ROUNDS + 1][AES128_SIZE];
    bool ni;
};

static void encrypt(const struct key_schedule *schedule, uint8_t block[AES128_SIZE]);
static void encrypt_portable(const struct key_schedule *schedule, uint8_t block[AES128_SIZE]);
static void encrypt_ni(const struct key_schedule *schedule, uint8_t block[AES128_SIZE]);
static void expand_key(struct key_schedule *schedule, const uint8_t key[AES128_SIZE]);
static void double_block(uint8_t block[AES128_SIZE]);
static void xor_bytes(uint8_t *into, const uint8_t *from, size_t size);

void aes128_cmac(struct crypto_engine engine, const uint8_t key[AES128_SIZE], const void *data,
                 size_t size, uint8_t mac[AES128_SIZE])
{
    const uint8_t *at = data;
    struct key_schedule schedule = {.ni = engine.aes};
    expand_key(&schedule, key);

    uint8_t chain[AES128_SIZE] = {0};
    for (; size > AES128_SIZE; size -= AES128_SIZE, at += AES128_SIZE) {
        xor_bytes(chain, at, AES128_SIZE);
        encrypt(&schedule, chain);
    }

    /* RFC 4493, 2.3 and 2.4: K1 ends a whole last block, K2 one that had to be padded. */
    uint8_t subkey[AES128_SIZE] = {0};
    encrypt(&schedule, subkey);
    double_block(subkey);
    if (size != 0)
        xor_bytes(chain, at, size);
    if (size != AES128_SIZE) {
        chain[size] ^= 0x80;
        double_block(subkey);
    }
    xor_bytes(chain, subkey, AES128_SIZE);
    encrypt(&schedule, chain);
    memcpy(mac, chain, AES128_SIZE);

    wipe(&schedule, sizeof schedule);
    wipe(subkey, sizeof subkey);
    wipe(chain, sizeof chain);
}

/* Multiplies by x in GF(2^128) with the polynomial of SP 800-38B, 5.3, most significant byte first.
 */
static void double_block(uint8_t block[AES128_SIZE])
{
    uint8_t reduction = (uint8_t)(0x87 & -(block[0] >> 7));
    for (size_t i = 0; i + 1 < AES128_SIZE; i++)
        block[i] = (uint8_t)(block[i] << 1 | block[i + 1] >> 7);
    block[AES128_SIZE - 1] = (uint8_t)(block[AES128_SIZE - 1] << 1) ^ reduction;
}

static void xor_bytes(uint8_t *into, const uint8_t *from, size_t size)
{
    for (size_t i = 0; i < size; i++)
        into[i] ^= from[i];
}

static void encrypt(const struct key_schedule *schedule, uint8_t block[AES128_SIZE])
{
    if (schedule->ni)
        encrypt_ni(schedule, block);
    else
        encrypt_portable(schedule, block);
}

__attribute__((target("aes,sse2"))) static void encrypt_ni(const struct key_schedule *schedule,
                                                           uint8_t block[AES128_SIZE])
{
    const __m128i *keys = (const __m128i *)schedule->round;
    __m128i state = _mm_loadu_si128((const __m128i *)block);
    state = _mm_xor_si128(state, _mm_loadu_si128(keys));
    for (int round = 1; round < ROUNDS; round++)
        state = _mm_aesenc_si128(state, _mm_loadu_si128(keys + round));
    state = _mm_aesenclast_si128(state, _mm_loadu_si128(keys + ROUNDS));
    _mm_storeu_si128((__m128i *)block, state);
}

/*
 * Portable AES. A lookup table's cache lines would tell the key to whoever shares the cache, so
 * the S-box is computed, eight bytes side by side in a 64-bit word.
 */
#define EACH_BYTE UINT64_C(0x0101010101010101)

/* x times each byte, modulo x^8 + x^4 + x^3 + x + 1 (FIPS 197, 4.2.1). */
static inline uint64_t times_x(uint64_t bytes)
{
    uint64_t carries = bytes >> 7 & EACH_BYTE;
    return (bytes << 1 & ~EACH_BYTE) ^ carries * 0x1b;
}

static inline uint64_t multiply(uint64_t a, uint64_t b)
{
    uint64_t product = 0;
    for (int bit = 0; bit < 8; bit++) {
        product ^= a & (b >> bit & EACH_BYTE) * 0xff;
        a = times_x(a);
    }
    return product;
}

static inline uint64_t rotate_each_left(uint64_t bytes, unsigned bits)
{
    uint64_t high = EACH_BYTE * (uint8_t)(0xff << bits);
    return (bytes << bits & high) | (bytes >> (8 - bits) & ~high);
}

/* SUBBYTES of eight bytes: the inverse, which is the 254th power, then 5.1.1's affine map. */
static uint64_t substitute(uint64_t bytes)
{
    uint64_t power2 = multiply(bytes, bytes);
    uint64_t power3 = multiply(power2, bytes);
    uint64_t power12 = multiply(power3, power3);
    power12 = multiply(power12, power12);
    uint64_t power15 = multiply(power12, power3);
    uint64_t power240 = power15;
    for (int i = 0; i < 4; i++)
        power240 = multiply(power240, power240);
    uint64_t inverse = multiply(multiply(power240, power12), power2);
    return inverse ^ rotate_each_left(inverse, 1) ^ rotate_each_left(inverse, 2) ^
           rotate_each_left(inverse, 3) ^ rotate_each_left(inverse, 4) ^ EACH_BYTE * 0x63;
}

static void substitute_block(uint8_t block[AES128_SIZE])
{
    uint64_t words[2];
    memcpy(words, block, AES128_SIZE);
    words[0] = substitute(words[0]);
    words[1] = substitute(words[1]);
    memcpy(block, words, AES128_SIZE);
}

/* Byte `row + 4 * column` of a block is the standard's s[row][column] (FIPS 197, 3.4). */
static void shift_rows(uint8_t block[AES128_SIZE])
{
    uint8_t before[AES128_SIZE];
    memcpy(before, block, AES128_SIZE);
    for (size_t row = 0; row < 4; row++) {
        for (size_t column = 0; column < 4; column++)
            block[row + 4 * column] = before[row + 4 * ((column + row) % 4)];
    }
}

/* 5.1.3: each byte becomes 2a + 3b + c + d of itself and the next three of its column. */
static void mix_columns(uint8_t block[AES128_SIZE])
{
    uint8_t doubled[AES128_SIZE];
    uint64_t words[2];
    memcpy(words, block, AES128_SIZE);
    words[0] = times_x(words[0]);
    words[1] = times_x(words[1]);
    memcpy(doubled, words, AES128_SIZE);
    for (size_t column = 0; column < AES128_SIZE; column += 4) {
        uint8_t a[4];
        memcpy(a, block + column, 4);
        for (size_t row = 0; row < 4; row++) {
            size_t next = (row + 1) % 4;
            block[column + row] = doubled[column + row] ^ doubled[column + next] ^ a[next] ^
                                  a[(row + 2) % 4] ^ a[(row + 3) % 4];
        }
    }
}

static void encrypt_portable(const struct key_schedule *schedule, uint8_t block[AES128_SIZE])
{
    xor_bytes(block, schedule->round[0], AES128_SIZE);
    for (int round = 1; round <= ROUNDS; round++) {
        substitute_block(block);
        shift_rows(block);
        if (round < ROUNDS)
            mix_columns(block);
        xor_bytes(block, schedule->round[round], AES128_SIZE);
    }
}

/* 5.2, for both paths: it runs once a MAC. */
static void expand_key(struct key_schedule *schedule, const uint8_t key[AES128_SIZE])
{
    memcpy(schedule->round[0], key, AES128_SIZE);
    uint8_t constant = 1;
    for (int round = 1; round <= ROUNDS; round++) {
        const uint8_t *before = schedule->round[round - 1];
        uint8_t *now = schedule->round[round];
        const uint8_t rotated[4] = {before[13], before[14], before[15], before[12]};
        uint32_t word;
        memcpy(&word, rotated, sizeof word);
        word = (uint32_t)substitute(word);
        memcpy(now, &word, sizeof word);
        now[0] ^= constant;
        xor_bytes(now, before, 4);
        for (size_t i = 4; i < AES128_SIZE; i++)
            now[i] = before[i] ^ now[i - 4];
        constant = (uint8_t)(constant << 1 ^ (0x1b & -(constant >> 7)));
    }
}
