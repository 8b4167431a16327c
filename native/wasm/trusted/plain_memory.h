// SPDX-License-Identifier: Apache-2.0
/* What compiled code calls, and the little of <string.h> that the runtime uses. */
#ifndef WASM_PLAIN_MEMORY_H
#define WASM_PLAIN_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *left, const void *right, size_t size);
size_t strlen(const char *text);

/* Equality in a time that depends on the size only. */
bool equal_in_constant_time(const void *left, const void *right, size_t size);

/* memset that stays although nobody reads the memory afterwards. */
void wipe(void *memory, size_t size);

#endif
