// SPDX-License-Identifier: Apache-2.0
/* Files whose SHA-256 the manifest says. Errnos are WASI's. */
#ifndef WASM_TRUSTED_FILES_H
#define WASM_TRUSTED_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "tree.h"

/* Reads the whole file and compares it. EBADMSG, logged, if it is another. */
uint32_t trusted_load(struct preopen *preopen, const char *path, uint8_t **data, uint64_t *size);

uint32_t trusted_type(struct preopen *preopen, const char *path, uint8_t *type);
uint32_t trusted_list(struct preopen *preopen, const char *path, char **names, size_t *size);

#endif
