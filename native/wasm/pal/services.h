// SPDX-License-Identifier: Apache-2.0
#ifndef WASM_SERVICES_H
#define WASM_SERVICES_H

#include "shared/calls.h"

/* Does what the enclave asks for, and leaves the answer in `shared`. */
void serve(struct shared *shared);

#endif
