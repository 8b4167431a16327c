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
    CHANNEL_HOOKS = 4,
    CHANNEL_LISTENER = 5,
    CHANNEL_DEVICES = 6,
    CHANNEL_RUN = 16,
    CHANNEL_PLAN = 17,
    CHANNEL_RESUME = 18,
    CHANNEL_MAP = 25,
    CHANNEL_MAPPED = 26,
};

int channel_send_pid(const struct run *run, pid_t pid, struct failure *f);
/* Asks rune to map the ids of a process. */
int channel_send_map(const struct run *run, pid_t pid, struct failure *f);
int channel_send_ready(const struct run *run, struct failure *f);
int channel_send_hooks(const struct run *run, struct failure *f);
int channel_send_devices(const struct run *run, struct failure *f);
int channel_send_listener(const struct run *run, int listener, struct failure *f);
/* Reports on the channel, or in one line on standard error where there is none. */
void channel_send_failure(const struct run *run, const struct failure *why);
/* rune's end, held by the monitor: lets the child go on behind READY. */
int channel_send_run(int channel, struct failure *f);
/* Reads what the child says: 1 a failure, now in *why; 0 it has nothing more to say, the payload
 * runs. */
int channel_read_outcome(int channel, struct failure *why);

/* Waits for a message of rune's; ends the process at end of file, when `rune` has died or given up.
 */
int channel_wait(const struct run *run, enum channel_code code, struct failure *f);

#endif
