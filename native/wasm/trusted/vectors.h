// SPDX-License-Identifier: Apache-2.0
/* The program's arguments and variables: the manifest's, and those it lets the host set. */
#ifndef WASM_VECTORS_H
#define WASM_VECTORS_H

#include <stdint.h>

/* Strings one behind another, each with its NUL. */
struct strings {
    char *bytes;
    uint32_t size;
    uint32_t count;
};

extern struct strings program_arguments, program_variables;

/* Copies in what the host brings, and refuses what the manifest does not allow. */
void vectors_init(void);

#endif
