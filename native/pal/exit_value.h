// SPDX-License-Identifier: Apache-2.0
/* What the int that a PAL stored as exit value means: docs/protocol/pal-api.md, "Exit values". */
#ifndef PAL_EXIT_VALUE_H
#define PAL_EXIT_VALUE_H

#include <stdbool.h>
#include <stdint.h>

/* The numbers are those of the agent's EXITED. */
enum ended_by {
    ENDED_BY_CODE = 0,
    ENDED_BY_SIGNAL = 1,
};

struct exit_status {
    enum ended_by by;
    int value; /* exit code 0 to 255, or signal 1 to 64 */
};

/*
 * `wait_style`: the PAL is known to store wait(2) statuses. Returns false for a value that is
 * neither a code nor a status; `out` is untouched then.
 */
bool exit_value_decode(int value, bool wait_style, struct exit_status *out);

/* The status a shell shows: the code, or 128 plus the signal. */
int exit_status_code(struct exit_status status);

#endif
