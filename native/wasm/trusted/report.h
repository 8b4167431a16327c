// SPDX-License-Identifier: Apache-2.0
#ifndef WASM_REPORT_H
#define WASM_REPORT_H

#include <stdint.h>

enum { TARGETINFO_SIZE = 512, REPORT_DATA_SIZE = 64, REPORT_SIZE = 432 };

/* In a REPORT (SDM volume 3D, 34.15). */
enum {
    REPORT_CPUSVN = 0,
    REPORT_ATTRIBUTES = 48,
    REPORT_MRENCLAVE = 64,
    REPORT_MRSIGNER = 128,
    REPORT_PRODUCT = 256,
    REPORT_ISVSVN = 258
};

/* A REPORT for a target, zeros for nobody in particular. */
void report_make(const uint8_t targetinfo[TARGETINFO_SIZE], const uint8_t data[REPORT_DATA_SIZE],
                 uint8_t report[REPORT_SIZE]);

#endif
