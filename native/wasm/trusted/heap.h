// SPDX-License-Identifier: Apache-2.0
/* The runtime's own memory: tables, strings, contents of trusted and protected files. */
#ifndef WASM_HEAP_H
#define WASM_HEAP_H

#include <stddef.h>
#include <stdint.h>

void heap_init(uint8_t *start, size_t size);

/* Zeroed, aligned to 16 bytes; NULL when there is no room. */
void *heap_allocate(size_t size);

/* The same bytes in a place of another size, the new ones zero; NULL leaves the old place. */
void *heap_resize(void *memory, size_t size);

/* Wipes and gives back; NULL is nothing. */
void heap_free(void *memory);

#endif
