// SPDX-License-Identifier: Apache-2.0
/* A PAL in the test's own program: version 3, started, its payloads are steered by argv[0]. */
#ifndef PAL_TESTS_FAKE_PAL_H
#define PAL_TESTS_FAKE_PAL_H

#include <pthread.h>

#include "../pal.h"

/* Sets up `pal` in state PAL_RUNNING. Payloads: `code N` ends with N, `wait` until it is killed,
 * `refuse` fails with -ENOENT in pal_create_process, `fail` with -ENOEXEC in pal_exec. */
void fake_pal_init(struct pal *pal);
/* How many signals pal_kill was given, and the last. */
extern int fake_kills, fake_last_signal;
/* Open descriptors of this process. */
int count_fds(void);

/* The other end of a connection that agent_serve_connection serves on a thread. */
struct served {
    struct pal *pal;
    int host; /* the test's end */
    int agent;
    pthread_t thread;
};

void serve_start(struct served *served, struct pal *pal);
/* Closes the test's end and waits until the agent has noticed. */
void serve_end(struct served *served);

#endif
