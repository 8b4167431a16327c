// SPDX-License-Identifier: Apache-2.0
#ifndef WASM_MEASURE_H
#define WASM_MEASURE_H

#include <stdint.h>

#include "shared/image.h"

/* MRENCLAVE of an image whose header, here a copy, has been checked. */
void image_measure(const struct image_header *header, const uint8_t *image, uint8_t mrenclave[32]);

#endif
