// SPDX-License-Identifier: Apache-2.0
#ifndef WASM_WASI_STAT_H
#define WASM_WASI_STAT_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/calls.h"
#include "tree.h"

/* Write a `filestat`, 64 bytes, to guest memory; false is EFAULT. */
bool put_host_stat(uint32_t at, const struct host_stat *stat);
bool put_tree_stat(uint32_t at, const struct tree_stat *stat);

#endif
