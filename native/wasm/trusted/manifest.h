// SPDX-License-Identifier: Apache-2.0
/* The measured manifest: what the host may decide. shared/image.h has its encoding. */
#ifndef WASM_MANIFEST_H
#define WASM_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/image.h"

/* A record's value, in measured memory. */
struct record {
    uint32_t offset; /* of the next record */
    uint16_t tag;
    uint32_t length;
    const uint8_t *value;
};

/* Steps through the records: start with a zeroed one. False at the end. */
bool manifest_next(struct record *record);

uint32_t manifest_flags(void);

/* Whether the host may set the variable `text`, NAME=value. */
bool manifest_allows_variable(const char *text);

/* Whether the program may connect there. */
bool manifest_allows_connection(const char *host, size_t host_length, uint16_t port);

/* A copy with a NUL, on the heap. */
char *manifest_string(const uint8_t *bytes, size_t length);

#endif
