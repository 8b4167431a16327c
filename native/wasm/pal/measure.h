// SPDX-License-Identifier: Apache-2.0
#ifndef WASM_MEASURE_H
#define WASM_MEASURE_H

#include <stdint.h>

/* MRENCLAVE of an image whose header has been checked. */
void image_measure(const uint8_t *image, uint8_t mrenclave[32]);

#endif
