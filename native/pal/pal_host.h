// SPDX-License-Identifier: Apache-2.0
/*
 * The PAL host: loads an enclave runtime's PAL and leads it through a container's life, as
 * docs/protocol/pal-api.md says. Linked into init-runelet. The order of calls:
 *
 *   pal_load          host's file system and libraries, before pivot_root; one thread
 *   pal_harden        after the last change of user id, which makes a process dumpable again
 *   pal_supervise     after identity, capabilities and seccomp filter are in place: they belong to
 * a thread, and threads started from here on inherit them life()          on the life thread:
 *       pal_start       pal_get_version, pal_init
 *       pal_serve       the agent
 *       pal_run         the init payload, from pal_create_process to its end
 *   _exit             with what pal_supervise returned, at once
 */
#ifndef PAL_HOST_H
#define PAL_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "../runelet/failure.h"

struct pal;

/* Takes a sentence that deserves a log record; called from any thread, must not block for long. */
typedef void pal_warn_fn(void *context, const char *text);

/*
 * Loads the PAL behind the open descriptor `fd`, whose checks are the caller's work; `name` is for
 * messages. Loads what must not be loaded later as well. The descriptor stays the caller's.
 * Precondition: one thread, no children, /proc is mounted and knows this process.
 */
int pal_load(int fd, const char *name, struct pal **out, struct failure *why);

/* Where warnings go; nowhere until this is called. */
void pal_on_warning(struct pal *pal, pal_warn_fn *warn, void *context);

/* Names the process `init-runelet` and makes it non-dumpable (no ptrace, no /proc/PID/mem). */
int pal_harden(struct failure *why);

/*
 * Runs `life` on a thread of its own while the calling thread passes signals on and reaps orphans.
 * When `life` has returned, ends what still runs and calls pal_destroy. Returns the status to exit
 * with: what `life` returned, or 128+n when signal n ended the container; `life` may then still be
 * running, so the caller must _exit at once.
 */
int pal_supervise(struct pal *pal, int (*life)(struct pal *pal, void *context), void *context);

/*
 * pal_get_version and pal_init. `args` and `log_level` as pal-api.md says; `environment` becomes
 * the process's (NULL: stays as it is) and must live as long as the process.
 * Precondition: on the life thread.
 */
int pal_start(struct pal *pal, const char *args, const char *log_level, char **environment,
              struct failure *why);

/*
 * Serves docs/protocol/agent.md on a listening socket, on threads of its own.
 * Precondition: pal_start has succeeded. The descriptor is the agent's from here on.
 */
int pal_serve(struct pal *pal, int listener, struct failure *why);

struct pal_payload {
    char **argv;        /* NULL-terminated, at least one */
    char **environment; /* NULL-terminated */
    int stdio[3];       /* descriptor numbers: 0, 1, 2 for init */
    /* Called when the PAL has created the process (version 1: before pal_exec), or NULL. */
    void (*on_created)(void *context);
    void *context;
};

/*
 * Runs the container's payload to its end. Stores the status a shell would show: exit code, or 128
 * plus the signal.
 * Precondition: on the life thread, pal_start has succeeded; once.
 */
int pal_run(struct pal *pal, const struct pal_payload *init, int *status, struct failure *why);

/* Ends `life` from within, as if it had returned `status`. */
_Noreturn void pal_end(struct pal *pal, int status);

#endif
