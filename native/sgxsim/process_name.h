// SPDX-License-Identifier: Apache-2.0
#ifndef SGXSIM_PROCESS_NAME_H
#define SGXSIM_PROCESS_NAME_H

#include "start_stack.h"

/* Gives the process the program's name and, where the kernel allows it, its command line. */
void process_name(const struct start_vectors *vectors, const struct program_file *program,
                  const struct loaded_program *loaded);

#endif
