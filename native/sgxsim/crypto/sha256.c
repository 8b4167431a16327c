// SPDX-License-Identifier: Apache-2.0
#include "sha256.h"
#include <immintrin.h>
#include "bytes.h"

static void compress(struct sha256 *hash, const uint8_t *blocks, size_t count);
static void compress_portable(uint32_t state[8], const uint8_t *blocks, size_t count);
static void compress_ni(uint32_t state[8], const uint8_t *blocks, size_t count);

/* The first 32 bits of the fractional parts of the square roots of the first 8 primes (5.3.3). */
static const uint32_t initial_state[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

/* The same of the cube roots of the first 64 primes (4.2.2). */
static const uint32_t round_constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

void sha256_init(struct sha256 *hash, struct crypto_engine engine)
{
    memcpy(hash->state, initial_state, sizeof hash->state);
    memset(hash->pending, 0, sizeof hash->pending);
    hash->size = 0;
    hash->ni = engine.sha;
}

void sha256_update(struct sha256 *hash, const void *data, size_t size)
{
    const uint8_t *at = data;
    size_t filled = hash->size % SHA256_BLOCK;
    hash->size += size;
    if (filled != 0) {
        size_t room = SHA256_BLOCK - filled;
        size_t part = size < room ? size : room;
        memcpy(hash->pending + filled, at, part);
        if (part < room)
            return;
        compress(hash, hash->pending, 1);
        at += part;
        size -= part;
    }
    size_t blocks = size / SHA256_BLOCK;
    if (blocks != 0)
        compress(hash, at, blocks);
    size_t rest = size % SHA256_BLOCK;
    if (rest != 0)
        memcpy(hash->pending, at + blocks * SHA256_BLOCK, rest);
}

void sha256_final(const struct sha256 *hash, uint8_t digest[SHA256_SIZE])
{
    /* 5.1.1: a one bit, zeros, and the message's size in bits as 64 bits, big-endian. */
    struct sha256 last = *hash;
    uint8_t padding[2 * SHA256_BLOCK] = {0x80};
    size_t filled = hash->size % SHA256_BLOCK;
    size_t zeros_end = (filled < 56 ? 56 : 120) - filled;
    uint64_t bits = hash->size * 8;
    store_big_endian32(padding + zeros_end, (uint32_t)(bits >> 32));
    store_big_endian32(padding + zeros_end + 4, (uint32_t)bits);
    sha256_update(&last, padding, zeros_end + 8);
    for (size_t i = 0; i < 8; i++)
        store_big_endian32(digest + 4 * i, last.state[i]);
}

void sha256(struct crypto_engine engine, const void *data, size_t size, uint8_t digest[SHA256_SIZE])
{
    struct sha256 hash;
    sha256_init(&hash, engine);
    sha256_update(&hash, data, size);
    sha256_final(&hash, digest);
}

static void compress(struct sha256 *hash, const uint8_t *blocks, size_t count)
{
    if (hash->ni)
        compress_ni(hash->state, blocks, count);
    else
        compress_portable(hash->state, blocks, count);
}

static inline uint32_t rotate_right(uint32_t value, unsigned bits)
{
    return value >> bits | value << (32 - bits);
}

/* FIPS 180-4, 6.2.2; the functions are 4.1.2's, by its numbers. */
static void compress_portable(uint32_t state[8], const uint8_t *blocks, size_t count)
{
    for (; count != 0; count--, blocks += SHA256_BLOCK) {
        uint32_t schedule[64];
        for (size_t i = 0; i < 16; i++)
            schedule[i] = load_big_endian32(blocks + 4 * i);
        for (size_t i = 16; i < 64; i++) {
            uint32_t x = schedule[i - 15];
            uint32_t y = schedule[i - 2];
            uint32_t sigma0 = rotate_right(x, 7) ^ rotate_right(x, 18) ^ x >> 3;   /* (4.6) */
            uint32_t sigma1 = rotate_right(y, 17) ^ rotate_right(y, 19) ^ y >> 10; /* (4.7) */
            schedule[i] = sigma1 + schedule[i - 7] + sigma0 + schedule[i - 16];
        }
        uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
        uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
        for (size_t i = 0; i < 64; i++) {
            uint32_t sum1 = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
            uint32_t choice = (e & f) ^ (~e & g);
            uint32_t t1 = h + sum1 + choice + round_constants[i] + schedule[i];
            uint32_t sum0 = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
            uint32_t majority = (a & b) ^ (a & c) ^ (b & c);
            h = g;
            g = f;
            f = e;
            e = d + t1;
            d = c;
            c = b;
            b = a;
            a = t1 + sum0 + majority;
        }
        state[0] += a;
        state[1] += b;
        state[2] += c;
        state[3] += d;
        state[4] += e;
        state[5] += f;
        state[6] += g;
        state[7] += h;
    }
}

/*
 * SHA256RNDS2 wants the state as ABEF and CDGH, A and C in the highest lane (SDM vol. 2B). A round
 * of the loop below is four of the standard's.
 */
__attribute__((target("sha,sse4.1,ssse3"))) static void
compress_ni(uint32_t state[8], const uint8_t *blocks, size_t count)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i dcba = _mm_loadu_si128((const __m128i *)state);
    __m128i hgfe = _mm_loadu_si128((const __m128i *)(state + 4));
    __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1);
    __m128i efgh = _mm_shuffle_epi32(hgfe, 0x1b);
    __m128i abef = _mm_alignr_epi8(cdab, efgh, 8);
    __m128i cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);

    for (; count != 0; count--, blocks += SHA256_BLOCK) {
        const __m128i abef_before = abef;
        const __m128i cdgh_before = cdgh;
        __m128i w[4];
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++) {
            __m128i *now = &w[i % 4];
            if (i < 4) {
                *now = _mm_loadu_si128((const __m128i *)(blocks + 16 * i));
                *now = _mm_shuffle_epi8(*now, swap);
            } else {
                const __m128i back1 = w[(i + 3) % 4];
                const __m128i back2 = w[(i + 2) % 4];
                const __m128i back7 = _mm_alignr_epi8(back1, back2, 4);
                *now = _mm_add_epi32(_mm_sha256msg1_epu32(*now, w[(i + 1) % 4]), back7);
                *now = _mm_sha256msg2_epu32(*now, back1);
            }
            const __m128i *constants = (const __m128i *)(round_constants + 4 * i);
            const __m128i added = _mm_add_epi32(*now, _mm_load_si128(constants));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, added);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(added, 0x0e));
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }

    const __m128i feba = _mm_shuffle_epi32(abef, 0x1b);
    const __m128i dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}
