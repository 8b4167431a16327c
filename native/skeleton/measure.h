// SPDX-License-Identifier: Apache-2.0
#ifndef SKELETON_MEASURE_H
#define SKELETON_MEASURE_H

#include <stdint.h>

#include "layout.h"

/*
 * MRENCLAVE of a layout: SHA-256 over the records of ECREATE, EADD and EEXTEND (SDM volume 3D,
 * 35.1.2). The processor computes its own; this one explains a refusal.
 */
void measure_layout(const struct layout *layout, uint8_t mrenclave[SGX_HASH_SIZE]);

#endif
