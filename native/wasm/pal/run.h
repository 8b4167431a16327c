// SPDX-License-Identifier: Apache-2.0
#ifndef WASM_RUN_H
#define WASM_RUN_H

#include <stdint.h>

#include "load.h"

/* What ends a run that the enclave did not end: it died of its own fault, or of ours. */
enum { RUN_BROKEN = 125 };

/* Runs the program, serving its calls, and returns its exit code. */
int enclave_run(const struct loaded *loaded, const char *const argv[], const char *const env[]);

/* A report with data of the caller's choice. 0 or a negated errno number, logged. */
int enclave_make_report(const struct loaded *loaded, const uint8_t targetinfo[512],
                        const uint8_t data[64], uint8_t report[432]);

#endif
