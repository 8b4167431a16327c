// SPDX-License-Identifier: Apache-2.0
#ifndef SGXSIM_START_H
#define SGXSIM_START_H

#include "base.h"

/* Called by _start with the process's stack; returns the program's, and its entry in start_entry.
 */
uint64_t *start(uint64_t *stack);
extern uint64_t start_entry;

#endif
