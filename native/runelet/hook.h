// SPDX-License-Identifier: Apache-2.0
/* What the monitor needs of hooks. */
#ifndef RUNELET_HOOK_H
#define RUNELET_HOOK_H

#include "plan.h"

/*
 * Runs what POSTSTART has kept, in a process of its own. Returns a descriptor: a FAILED record of a
 * hook that failed, then end of file. -1 and a failure when it cannot be started.
 */
int start_poststart_hooks(struct run *run, struct failure *f);

/* Executes argv with the failure behind it; returns -1 when that is not possible (monitor.c). */
int become_report(char **argv, const struct failure *why, struct failure *f);

#endif
