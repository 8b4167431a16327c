// SPDX-License-Identifier: Apache-2.0
#include "exit_value.h"

#include <sys/wait.h>

#define SIGNAL_LAST 64

static bool decode_wait_status(int value, struct exit_status *out)
{
    if (value < 0 || value > 0xffff)
        return false;
    if (WIFEXITED(value)) {
        *out = (struct exit_status){ENDED_BY_CODE, WEXITSTATUS(value)};
        return true;
    }
    if (WIFSIGNALED(value) && value <= 0xff && WTERMSIG(value) <= SIGNAL_LAST) {
        *out = (struct exit_status){ENDED_BY_SIGNAL, WTERMSIG(value)};
        return true;
    }
    return false;
}

bool exit_value_decode(int value, bool wait_style, struct exit_status *out)
{
    if (wait_style)
        return decode_wait_status(value, out);
    if (value >= 0 && value <= 0xff) {
        *out = (struct exit_status){ENDED_BY_CODE, value};
        return true;
    }
    return (value & 0xff) == 0 && decode_wait_status(value, out);
}

int exit_status_code(struct exit_status status)
{
    return status.by == ENDED_BY_SIGNAL ? 128 + status.value : status.value;
}
