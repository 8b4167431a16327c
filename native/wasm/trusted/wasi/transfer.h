// SPDX-License-Identifier: Apache-2.0
/* Scattered guest memory on one side, one piece of memory on the other. */
#ifndef WASM_WASI_TRANSFER_H
#define WASM_WASI_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One call moves no more than the host's data area holds; a program goes on with the rest. */
struct vectors {
    uint32_t address, count;
    uint32_t size; /* all together, at most SHARED_DATA_SIZE */
};

/* Checks an iovec array and all it points to; false is EFAULT. */
bool vectors_check(uint32_t address, uint32_t count, struct vectors *vectors);

/* From guest memory to the host's data area, and back. */
bool vectors_to_host(const struct vectors *vectors);
bool vectors_from_host(const struct vectors *vectors, size_t size);

/* From and to memory of the enclave. */
void vectors_gather(const struct vectors *vectors, uint8_t *to);
void vectors_scatter(const struct vectors *vectors, const uint8_t *from, size_t size);

/* SHARED_DATA_SIZE bytes for a moment's use; NULL when the runtime's memory is full. */
uint8_t *transfer_buffer(void);

#endif
