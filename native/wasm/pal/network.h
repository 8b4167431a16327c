// SPDX-License-Identifier: Apache-2.0
#ifndef WASM_NETWORK_H
#define WASM_NETWORK_H

#include <stdint.h>

#include "shared/calls.h"

/* A listening socket where the manifest says. */
int64_t network_listen(struct shared *shared);

/* A connected stream to a host of this name or address. */
int64_t network_connect(struct shared *shared);

#endif
