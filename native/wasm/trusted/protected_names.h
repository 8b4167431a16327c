// SPDX-License-Identifier: Apache-2.0
/* Names in protected directories, as the host sees them. */
#ifndef WASM_PROTECTED_NAMES_H
#define WASM_PROTECTED_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "aes_gcm.h"

/* 255 bytes of base64url carry 191: 16 of them are the tag. */
enum { PROTECTED_NAME_MAX = 175, HOST_NAME_MAX = 255 };

struct name_keys {
    uint8_t tag_key[32];
    struct aes_gcm cipher;
};

void name_keys_init(struct name_keys *keys, const uint8_t master[16]);

/* A whole path; from the heap. ENAMETOOLONG for a part that is longer than PROTECTED_NAME_MAX. */
uint32_t name_encrypt_path(const struct name_keys *keys, const char *path, char **encrypted);

/* One name of the directory `parent`. False if it was not made here. */
bool name_decrypt(const struct name_keys *keys, const char *parent, const char *encrypted,
                  char name[PROTECTED_NAME_MAX + 1]);

#endif
