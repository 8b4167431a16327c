// SPDX-License-Identifier: Apache-2.0
#ifndef WASM_WASI_CLOCK_H
#define WASM_WASI_CLOCK_H

#include <stdint.h>

/* Nanoseconds of a clock (enum wasi_clock), or a negated errno number of Linux's. */
int64_t clock_now(uint32_t id);

#endif
