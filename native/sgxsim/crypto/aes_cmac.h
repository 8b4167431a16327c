// SPDX-License-Identifier: Apache-2.0
/*
 * AES-128-CMAC (SP 800-38B, RFC 4493) over AES (FIPS 197). Both paths run in constant time: the
 * portable one computes the S-box instead of looking it up.
 */
#ifndef SGXSIM_CRYPTO_AES_CMAC_H
#define SGXSIM_CRYPTO_AES_CMAC_H

#include <stddef.h>
#include <stdint.h>
#include "engine.h"

#define AES128_SIZE 16

/* `mac` may be `key` or lie in `data`: it is written last. */
void aes128_cmac(struct crypto_engine engine, const uint8_t key[AES128_SIZE], const void *data,
                 size_t size, uint8_t mac[AES128_SIZE]);

#endif
