// SPDX-License-Identifier: Apache-2.0
/*
 * Protected directories: names and contents encrypted under a sealing key. The formats are in
 * docs/protocol/wasm-enclave.md. Errnos are WASI's; EBADMSG, logged, is a host that has changed
 * something, or another enclave's directory.
 */
#ifndef WASM_PROTECTED_H
#define WASM_PROTECTED_H

#include <stddef.h>
#include <stdint.h>

#include "tree.h"

uint32_t protected_load(struct preopen *preopen, const char *path, uint8_t **data, uint64_t *size);
uint32_t protected_store(struct preopen *preopen, const char *path, const uint8_t *data,
                         uint64_t size);
uint32_t protected_type(struct preopen *preopen, const char *path, uint8_t *type);
uint32_t protected_list(struct preopen *preopen, const char *path, char **names, size_t *size);
uint32_t protected_make_directory(struct preopen *preopen, const char *path);
uint32_t protected_remove(struct preopen *preopen, const char *path, bool is_directory);

#endif
