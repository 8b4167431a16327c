// SPDX-License-Identifier: Apache-2.0
/* The program's linear memory. */
#ifndef WASM_MEMORY_H
#define WASM_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

/* Whether growing beyond what was loaded may be tried: the host says so, EACCEPT proves it. */
void memory_allow_growth(bool can_grow);

/* A place in linear memory; NULL unless all of [at, at + size) is in it. */
void *guest(uint32_t at, uint64_t size);

/* Little-endian integers there. Precondition: guest() has checked the place, or false comes. */
bool guest_put32(uint32_t at, uint32_t value);
bool guest_put64(uint32_t at, uint64_t value);

#endif
