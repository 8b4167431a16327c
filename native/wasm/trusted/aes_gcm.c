// SPDX-License-Identifier: Apache-2.0
#include "aes_gcm.h"

#include <tmmintrin.h>
#include <wmmintrin.h>

#include "plain_memory.h"

enum { ROUNDS = 10, BLOCK = 16 };

static __m128i expand(__m128i key, __m128i generated)
{
    key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
    key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
    key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
    return _mm_xor_si128(key, _mm_shuffle_epi32(generated, 0xff));
}

static __m128i encrypt_block(const struct aes_gcm *gcm, __m128i block)
{
    const __m128i *keys = (const __m128i *)gcm->round_keys;
    block = _mm_xor_si128(block, keys[0]);
    for (int round = 1; round < ROUNDS; round++)
        block = _mm_aesenc_si128(block, keys[round]);
    return _mm_aesenclast_si128(block, keys[ROUNDS]);
}

static __m128i reversed(__m128i block)
{
    return _mm_shuffle_epi8(block,
                            _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

/*
 * Product in GF(2^128) of byte-reversed operands: carry-less multiplication, a shift by one for the
 * reflected bits, and reduction by x^128 + x^7 + x^2 + x + 1 (Intel, "Carry-Less Multiplication and
 * Its Usage for Computing the GCM Mode", algorithm 5).
 */
static __m128i multiply(__m128i a, __m128i b)
{
    __m128i low = _mm_clmulepi64_si128(a, b, 0x00);
    __m128i high = _mm_clmulepi64_si128(a, b, 0x11);
    __m128i middle =
        _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x10), _mm_clmulepi64_si128(a, b, 0x01));
    low = _mm_xor_si128(low, _mm_slli_si128(middle, 8));
    high = _mm_xor_si128(high, _mm_srli_si128(middle, 8));

    __m128i low_carry = _mm_srli_epi32(low, 31);
    __m128i high_carry = _mm_srli_epi32(high, 31);
    low = _mm_slli_epi32(low, 1);
    high = _mm_slli_epi32(high, 1);
    __m128i across = _mm_srli_si128(low_carry, 12);
    low = _mm_or_si128(low, _mm_slli_si128(low_carry, 4));
    high = _mm_or_si128(high, _mm_or_si128(_mm_slli_si128(high_carry, 4), across));

    __m128i folded = _mm_xor_si128(_mm_slli_epi32(low, 31),
                                   _mm_xor_si128(_mm_slli_epi32(low, 30), _mm_slli_epi32(low, 25)));
    __m128i rest = _mm_srli_si128(folded, 4);
    low = _mm_xor_si128(low, _mm_slli_si128(folded, 12));
    __m128i right = _mm_xor_si128(_mm_srli_epi32(low, 1),
                                  _mm_xor_si128(_mm_srli_epi32(low, 2), _mm_srli_epi32(low, 7)));
    return _mm_xor_si128(high, _mm_xor_si128(low, _mm_xor_si128(right, rest)));
}

/* GHASH, fed piecemeal. */
struct hash {
    __m128i key, state;
    uint8_t pending[BLOCK];
    size_t pending_size;
};

static void absorb(struct hash *hash, const uint8_t *data, size_t size)
{
    while (size > 0) {
        size_t part = BLOCK - hash->pending_size;
        part = size < part ? size : part;
        memcpy(hash->pending + hash->pending_size, data, part);
        hash->pending_size += part;
        data += part;
        size -= part;
        if (hash->pending_size == BLOCK) {
            __m128i block = reversed(_mm_loadu_si128((const __m128i *)hash->pending));
            hash->state = multiply(_mm_xor_si128(hash->state, block), hash->key);
            hash->pending_size = 0;
        }
    }
}

static void pad(struct hash *hash)
{
    static const uint8_t zero[BLOCK];
    if (hash->pending_size > 0)
        absorb(hash, zero, BLOCK - hash->pending_size);
}

static __m128i counter_block(const uint8_t nonce[GCM_NONCE_SIZE], uint32_t counter)
{
    uint8_t block[BLOCK];
    memcpy(block, nonce, GCM_NONCE_SIZE);
    for (int i = 0; i < 4; i++)
        block[GCM_NONCE_SIZE + i] = (uint8_t)(counter >> (24 - 8 * i));
    return _mm_loadu_si128((const __m128i *)block);
}

static void xor_stream(const struct aes_gcm *gcm, const uint8_t nonce[GCM_NONCE_SIZE],
                       const uint8_t *from, uint8_t *to, size_t size)
{
    for (uint32_t counter = 2; size > 0; counter++) {
        uint8_t stream[BLOCK];
        size_t part = size < BLOCK ? size : BLOCK;
        _mm_storeu_si128((__m128i *)stream, encrypt_block(gcm, counter_block(nonce, counter)));
        for (size_t i = 0; i < part; i++)
            to[i] = from[i] ^ stream[i];
        from += part;
        to += part;
        size -= part;
    }
}

static void make_tag(const struct aes_gcm *gcm, const uint8_t nonce[GCM_NONCE_SIZE],
                     const void *data1, size_t size1, const void *data2, size_t size2,
                     const uint8_t *encrypted, size_t size, uint8_t tag[GCM_TAG_SIZE])
{
    struct hash hash = {.key = _mm_load_si128((const __m128i *)gcm->hash_key),
                        .state = _mm_setzero_si128()};
    absorb(&hash, data1, size1);
    absorb(&hash, data2, size2);
    pad(&hash);
    absorb(&hash, encrypted, size);
    pad(&hash);
    uint8_t lengths[BLOCK];
    for (int i = 0; i < 8; i++) {
        lengths[i] = (uint8_t)((uint64_t)(size1 + size2) * 8 >> (56 - 8 * i));
        lengths[8 + i] = (uint8_t)((uint64_t)size * 8 >> (56 - 8 * i));
    }
    absorb(&hash, lengths, BLOCK);
    __m128i mask = encrypt_block(gcm, counter_block(nonce, 1));
    _mm_storeu_si128((__m128i *)tag, _mm_xor_si128(mask, reversed(hash.state)));
}

void aes_gcm_init(struct aes_gcm *gcm, const uint8_t key[AES_KEY_SIZE])
{
    __m128i *keys = (__m128i *)gcm->round_keys;
    keys[0] = _mm_loadu_si128((const __m128i *)key);
#define ROUND(number, constant)                                                                    \
    keys[number] = expand(keys[(number)-1], _mm_aeskeygenassist_si128(keys[(number)-1], constant))
    ROUND(1, 0x01);
    ROUND(2, 0x02);
    ROUND(3, 0x04);
    ROUND(4, 0x08);
    ROUND(5, 0x10);
    ROUND(6, 0x20);
    ROUND(7, 0x40);
    ROUND(8, 0x80);
    ROUND(9, 0x1b);
    ROUND(10, 0x36);
#undef ROUND
    _mm_store_si128((__m128i *)gcm->hash_key, reversed(encrypt_block(gcm, _mm_setzero_si128())));
}

void aes_gcm_encrypt(const struct aes_gcm *gcm, const uint8_t nonce[GCM_NONCE_SIZE],
                     const void *data1, size_t size1, const void *data2, size_t size2,
                     const uint8_t *from, uint8_t *to, size_t size, uint8_t tag[GCM_TAG_SIZE])
{
    xor_stream(gcm, nonce, from, to, size);
    make_tag(gcm, nonce, data1, size1, data2, size2, to, size, tag);
}

bool aes_gcm_decrypt(const struct aes_gcm *gcm, const uint8_t nonce[GCM_NONCE_SIZE],
                     const void *data1, size_t size1, const void *data2, size_t size2,
                     const uint8_t *from, uint8_t *to, size_t size, const uint8_t tag[GCM_TAG_SIZE])
{
    uint8_t expected[GCM_TAG_SIZE];
    make_tag(gcm, nonce, data1, size1, data2, size2, from, size, expected);
    if (!equal_in_constant_time(expected, tag, GCM_TAG_SIZE)) {
        if (size > 0)
            memset(to, 0, size);
        return false;
    }
    xor_stream(gcm, nonce, from, to, size);
    return true;
}

void aes_ctr(const struct aes_gcm *gcm, const uint8_t counter[16], uint8_t *data, size_t size)
{
    uint8_t block[BLOCK], stream[BLOCK];
    memcpy(block, counter, BLOCK);
    while (size > 0) {
        size_t part = size < BLOCK ? size : BLOCK;
        __m128i counted = _mm_loadu_si128((const __m128i *)block);
        _mm_storeu_si128((__m128i *)stream, encrypt_block(gcm, counted));
        for (size_t i = 0; i < part; i++)
            data[i] ^= stream[i];
        data += part;
        size -= part;
        for (int i = BLOCK - 1; i >= 0 && ++block[i] == 0; i--)
            ;
    }
}
