// SPDX-License-Identifier: Apache-2.0
/*
 * The trusted runtime as an ordinary program, for sanitizers: what entry.S, instructions.c, heap.c
 * and main.c do in an enclave. The runtime's memory is malloc's, so that each block has its
 * borders.
 */
#ifndef WASM_HOSTED_H
#define WASM_HOSTED_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/calls.h"
#include "shared/image.h"

enum { HOSTED_MEMORY = 1 << 20, HOSTED_MANIFEST_MAX = 4096 };

extern struct shared hosted_shared;
extern jmp_buf hosted_end;        /* where enclave_end() goes: value is 1 and the code */
extern uint64_t hosted_heap_left; /* bytes until heap_allocate fails */

/* What a host call does. */
extern void (*hosted_host)(struct shared *);

/* The sequence that all randomness of a test comes from. */
void hosted_seed(uint64_t seed);
uint64_t hosted_random(void);

/* One linear memory between pages that fault, and this manifest. */
void hosted_begin(const uint8_t *manifest, uint32_t size);

#endif
