// SPDX-License-Identifier: Apache-2.0
/* The init channel, docs/protocol/init-channel.md. */
#ifndef RUNELET_CHANNEL_H
#define RUNELET_CHANNEL_H

#include "failure.h"
#include "plan.h"

enum channel_code {
    CHANNEL_PID = 1,
    CHANNEL_READY = 2,
    CHANNEL_FAILED = 3,
    CHANNEL_RUN = 16,
};

int channel_send_pid(const struct run *run, pid_t pid, struct failure *f);
int channel_send_ready(const struct run *run, struct failure *f);
/* Reports on the channel, or in one line on standard error where there is none. */
void channel_send_failure(const struct run *run, const struct failure *why);
/* Waits for RUN; fails at end of file, which means that `rune` has died. */
int channel_wait_run(const struct run *run, struct failure *f);

#endif
