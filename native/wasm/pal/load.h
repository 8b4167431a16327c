// SPDX-License-Identifier: Apache-2.0
#ifndef WASM_LOAD_H
#define WASM_LOAD_H

#include <stdbool.h>
#include <stdint.h>

struct loaded {
    int fd; /* the driver's */
    uint64_t base, size;
    uint64_t tcs;
    bool can_grow; /* the driver adds pages where the enclave accepts them (EAUG) */
};

/*
 * Loads an image: ECREATE, EADD, EINIT, the mappings. 0 or a negated errno number, logged; nothing
 * is left then. Async-signal-safe but for the log, so that it may run in a forked child.
 */
int enclave_load(const char *path, bool debug, struct loaded *loaded);

void enclave_unload(struct loaded *loaded);

#endif
