// SPDX-License-Identifier: Apache-2.0
/* The vectors on the process's stack: argc, argv, envp, the auxiliary vector (System V ABI). */
#ifndef SGXSIM_START_STACK_H
#define SGXSIM_START_STACK_H

#include "loader.h"
#include "program.h"

struct start_vectors {
    int argc;
    int dropped; /* words of argv that are not the program's */
    char **argv;
    char **envp;
    uint64_t *aux; /* pairs of type and value, up to and with type 0 */
    uint64_t *end; /* behind it */
    uint64_t kernel_vdso;
};

void start_vectors_read(struct start_vectors *vectors, uint64_t *stack);

/* Rebuilds them for the program: its argv and its entries of the auxiliary vector. Returns its
 * stack pointer. The caller must not be running on this stack. */
uint64_t *start_stack_build(struct start_vectors *vectors, const struct program_file *program,
                            const struct loaded_program *loaded, uint64_t vdso);

#endif
