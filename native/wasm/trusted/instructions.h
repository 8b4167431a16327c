// SPDX-License-Identifier: Apache-2.0
/* The ENCLU leaves and RDRAND; hosted tests have their own. */
#ifndef WASM_INSTRUCTIONS_H
#define WASM_INSTRUCTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* EREPORT. targetinfo and report are 512 bytes aligned to 512, data 64 aligned to 128. */
void enclu_report(const uint8_t *targetinfo, const uint8_t *data, uint8_t *report);

/* EGETKEY: request of 512 bytes aligned to 512, key of 16 aligned to 16. 0, or the error code. */
uint32_t enclu_key(const uint8_t *request, uint8_t *key);

/* EACCEPT of a page that EAUG adds when it is touched: readable, writable, zero. */
bool enclu_accept(uint8_t *page);

/* 8 random bytes; false if the processor has none now. */
bool rdrand(uint64_t *value);

#endif
