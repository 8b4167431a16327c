// SPDX-License-Identifier: Apache-2.0
/*
 * AES-128-GCM (NIST SP 800-38D) with 12-byte nonces and whole tags, by AES-NI and PCLMULQDQ, which
 * every processor with SGX has: no table look-ups, so that no time depends on secrets.
 */
#ifndef WASM_AES_GCM_H
#define WASM_AES_GCM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AES_KEY_SIZE = 16, GCM_NONCE_SIZE = 12, GCM_TAG_SIZE = 16 };

struct aes_gcm {
    _Alignas(16) uint8_t round_keys[11][16];
    _Alignas(16) uint8_t hash_key[16];
};

void aes_gcm_init(struct aes_gcm *gcm, const uint8_t key[AES_KEY_SIZE]);

/* In place where `to` is `from`. Additional data is two pieces, taken for one. */
void aes_gcm_encrypt(const struct aes_gcm *gcm, const uint8_t nonce[GCM_NONCE_SIZE],
                     const void *data1, size_t size1, const void *data2, size_t size2,
                     const uint8_t *from, uint8_t *to, size_t size, uint8_t tag[GCM_TAG_SIZE]);

/* False, and zeros in `to`, unless the tag is the one. */
bool aes_gcm_decrypt(const struct aes_gcm *gcm, const uint8_t nonce[GCM_NONCE_SIZE],
                     const void *data1, size_t size1, const void *data2, size_t size2,
                     const uint8_t *from, uint8_t *to, size_t size,
                     const uint8_t tag[GCM_TAG_SIZE]);

/* AES-CTR with the whole block as a big-endian counter; the same call goes both ways. */
void aes_ctr(const struct aes_gcm *gcm, const uint8_t counter[16], uint8_t *data, size_t size);

#endif
