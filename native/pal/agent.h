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

    struct agent_connection *next; /* agent_fork.c */

    /* The one EXEC, and before it any other request: the only frame that may have descriptors. It
     * holds EXEC's strings and descriptors until the payload has ended. */
    struct agent_frame request;
    bool has_exec;
    bool detached;
    const char *cwd;
    struct launch launch;
    pthread_t thread;

    pthread_mutex_t lock; /* the next two */
    pthread_cond_t changed;
    bool over; /* the payload has ended, or never was */
    int pid;   /* its PAL pid once created, else 0 */
};

/* Serves a connection until it ends, and closes the socket. */
void agent_serve_connection(struct pal *pal, int socket);

/* Handles EXEC in c->request: checks it, starts the thread that runs the payload. False: the
 * connection ends. */
bool agent_exec(struct agent_connection *c);
/* After the host has gone: ends a payload that is not detached, waits for its thread. */
void agent_exec_finish(struct agent_connection *c);

/*
 * agent_fork.c: a process that a PAL forks gets copies of all descriptors. Those of the agent that
 * are none of its own are closed there: a pipe of another payload would never come to its end.
 */
extern pthread_mutex_t agent_fork_lock;
/* Must be called once, before the first connection. */
int agent_fork_watch(int listener);
void agent_fork_add(struct agent_connection *c);
void agent_fork_remove(struct agent_connection *c);
/* Says that this thread runs the payload of `c`. */
void agent_fork_own(struct agent_connection *c);
/* Frees c->request. */
void agent_request_free(struct agent_connection *c);

bool agent_reply(struct agent_connection *c, struct writer *reply);
/* ERROR that answers a request; with `flags` AGENT_ERROR_FINAL the caller ends the connection. */
bool agent_reply_error(struct agent_connection *c, uint16_t flags, enum agent_error code, int error,
                       const char *doing, const char *reason);
bool agent_reply_failure(struct agent_connection *c, uint16_t flags, enum agent_error code,
                         const struct failure *why);

#endif
