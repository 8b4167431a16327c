// SPDX-License-Identifier: Apache-2.0
/* A protected directory's keys, and what all of it needs: docs/protocol/wasm-enclave.md. */
#ifndef WASM_PROTECTED_ROOT_H
#define WASM_PROTECTED_ROOT_H

#include "protected.h"
#include "protected_names.h"

struct protected_root {
    uint8_t master[16];
    struct name_keys names;
};

/* The directory's keys, from its marker; a new directory gets one if it may be written. */
uint32_t protected_root_get(struct preopen *preopen, struct protected_root **root);

/*
 * Says at start, on standard error, that the directory will be of no use. The program runs
 * nevertheless, for it may not need it. Makes no marker.
 */
void protected_root_look(struct preopen *preopen);

/* A path as the host knows it; to be freed. */
uint32_t protected_host_path(struct preopen *preopen, const char *path, char **encrypted);

/* EBADMSG, with a line that says what has been tampered with. */
uint32_t protected_tampered(struct preopen *preopen, const char *path, const char *reason);

#endif
