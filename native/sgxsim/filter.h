// SPDX-License-Identifier: Apache-2.0
/* The seccomp filter: which system calls trap. */
#ifndef SGXSIM_FILTER_H
#define SGXSIM_FILTER_H

#include "base.h"

/* Installs the filter for this process and all that it starts; -errno on failure. */
long filter_install(int virtual_nodes);

/* Whether the filter can trap a call of that number at all. */
int is_trapped_call(long number);

#endif
