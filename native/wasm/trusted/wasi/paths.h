// SPDX-License-Identifier: Apache-2.0
/* Paths of a program's. */
#ifndef WASM_WASI_PATHS_H
#define WASM_WASI_PATHS_H

#include <stddef.h>
#include <stdint.h>

#include "descriptors.h"

enum { PATH_MAX_LENGTH = 4095 };

/*
 * A path from guest memory, checked: no NUL, not absolute, at no point above its directory. An
 * errno, or 0 and the path with a NUL in `to`. The host resolves it once more, and may lie.
 */
uint32_t path_get(uint32_t at, uint32_t length, char to[PATH_MAX_LENGTH + 1]);

/* A checked path from a tree's root, normalised. From the heap; NULL where there is no room. */
char *path_in_tree(const struct descriptor *directory, const char *path);

/* Puts a path into the host's data area at an offset; the offset behind it, a multiple of 8. */
size_t path_put(size_t offset, const char *path);

#endif
