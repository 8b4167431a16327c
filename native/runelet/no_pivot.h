// SPDX-License-Identifier: Apache-2.0
#ifndef RUNELET_NO_PIVOT_H
#define RUNELET_NO_PIVOT_H

#include "plan.h"

/* Removes every procfs and sysfs that is not in the container's root from the mount namespace. */
int hide_kernel_views(const struct run *run, struct failure *f);

#endif
