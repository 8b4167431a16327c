// SPDX-License-Identifier: Apache-2.0
/* Sealing keys of the processor's, and keys derived from them. */
#ifndef WASM_KEYS_H
#define WASM_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum seal_policy { SEAL_BY_ENCLAVE = 1, SEAL_BY_SIGNER = 2 };

/* What must be kept beside sealed data to have its key again; no secret. */
struct seal_header {
    char magic[8];      /* @0 */
    uint16_t version;   /* @8 */
    uint16_t policy;    /* @10 enum seal_policy */
    uint16_t isvsvn;    /* @12 of the enclave that sealed */
    uint16_t zero;      /* @14 */
    uint8_t cpusvn[16]; /* @16 */
    uint8_t key_id[32]; /* @32 random */
};
_Static_assert(sizeof(struct seal_header) == 64, "as in the page");

/* A header for a new key. */
struct seal_header seal_header_new(const char magic[8], enum seal_policy policy);

/* Whether a header is one of these, of a version and policy that are known. */
bool seal_header_is(const struct seal_header *header, const char magic[8]);

/* The key; false if the processor refuses, as for the security version of a newer enclave. */
bool seal_key(const struct seal_header *header, uint8_t key[16]);

/* HMAC-SHA-256 (RFC 2104) of two pieces taken for one. */
void hmac(const uint8_t *key, size_t key_size, const void *data1, size_t size1, const void *data2,
          size_t size2, uint8_t mac[32]);

#endif
