// SPDX-License-Identifier: Apache-2.0
/* The agent's parts among themselves; docs/protocol/agent.md is what they implement. */
#ifndef PAL_AGENT_H
#define PAL_AGENT_H

#include "agent_frame.h"
#include "pal.h"

/* One connection, served by a thread of its own. */
struct agent_connection {
    struct pal *pal;
    int socket;
    pthread_mutex_t writing; /* replies of the two threads do not mix */

    /* The one EXEC. `request` holds its strings and descriptors until the payload has ended. */
    bool has_exec;
    bool detached;
    struct agent_frame request;
    const char *cwd;
    struct launch launch;
    pthread_t thread;

    pthread_mutex_t lock; /* the next two */
    pthread_cond_t changed;
    bool over; /* the payload has ended, or never was */
    int pid;   /* its PAL pid once created, else 0 */
};

/* Serves a connection until it ends. The socket stays open. */
void agent_serve_connection(struct pal *pal, int socket);

/* Handles EXEC: checks it, starts the thread that runs the payload. False: the connection ends. */
bool agent_exec(struct agent_connection *c, struct agent_frame *frame);
/* After the host has gone: ends a payload that is not detached, waits for its thread. */
void agent_exec_finish(struct agent_connection *c);

bool agent_reply(struct agent_connection *c, struct writer *reply);
/* ERROR that answers a request; with `flags` AGENT_ERROR_FINAL the caller ends the connection. */
bool agent_reply_error(struct agent_connection *c, uint16_t flags, enum agent_error code, int error,
                       const char *doing, const char *reason);
bool agent_reply_failure(struct agent_connection *c, uint16_t flags, enum agent_error code,
                         const struct failure *why);

#endif
