// SPDX-License-Identifier: Apache-2.0
/* Services about names in directories. */
#ifndef WASM_NAMES_H
#define WASM_NAMES_H

#include <stdint.h>
#include <sys/stat.h>

#include "shared/calls.h"

int64_t names_serve(struct shared *shared);
void names_put_stat(struct shared *shared, const struct stat *status);

#endif
