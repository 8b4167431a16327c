// SPDX-License-Identifier: Apache-2.0
/*
 * The host's side of docs/protocol/agent.md, for a monitor that has no TypeScript under it. The
 * agent is hostile: everything it says is bounded and range-checked, and every wait but that for
 * the payload's end has a limit. Static-linkable; one thread.
 */
#ifndef PAL_AGENT_CLIENT_H
#define PAL_AGENT_CLIENT_H

#include <stdint.h>

#include "../runelet/failure.h"
#include "exit_value.h"

/* What WELCOME says. */
struct agent_welcome {
    uint32_t pal_version; /* 1 to 3 */
    uint32_t abilities;   /* enum agent_ability */
    uint32_t state;       /* enum agent_state */
};

struct agent_exec_request {
    const char *cwd;          /* "" for init-runelet's */
    char *const *argv;        /* NULL-terminated, at least one */
    char *const *environment; /* NULL-terminated */
    const int *fds;           /* three, or one with AGENT_EXEC_TTY */
    uint16_t flags;           /* enum agent_exec_flag */
};

/* Greets the agent on a connected socket. */
int agent_greet(int socket, struct agent_welcome *welcome, struct failure *why);

/* Starts a program; stores its PAL pid, 0 with PAL version 1. */
int agent_start(int socket, const struct agent_exec_request *request, uint32_t *pid,
                struct failure *why);

/*
 * Waits for the started program's end. Signals that arrive on `signal_fd` (a signalfd, or -1) go
 * to it. When the agent is gone without a word the program was killed with its container.
 */
int agent_attend(int socket, uint32_t pid, int signal_fd, struct exit_status *status,
                 struct failure *why);

/* Sends a signal to a PAL process; not while agent_attend runs on this socket. */
int agent_kill(int socket, uint32_t pid, uint32_t number, struct failure *why);

/*
 * Gets a REPORT (432 bytes) for the target (512 bytes); `data` is 64 bytes of report data or NULL,
 * and then the REPORT proves no freshness. With `data` the REPORT is checked to hold it.
 */
int agent_report(int socket, const uint8_t *target, const uint8_t *data, uint8_t *report,
                 struct failure *why);

#endif
