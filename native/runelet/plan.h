// SPDX-License-Identifier: Apache-2.0
/* A launch plan in memory, and the state of the process that executes it. */
#ifndef RUNELET_PLAN_H
#define RUNELET_PLAN_H

#include "failure.h"
#include "record.h"

#include <sys/types.h>

#define PLAN_VERSION 1
#define PLAN_MAX (16u << 20)
#define PLAN_SLOTS 256
#define PLAN_NONE 0xffffffffu

struct run {
    const uint8_t *plan;
    size_t plan_size;
    struct reader next; /* the records not yet executed */
    uint32_t index;     /* of the record in execution */
    int plan_fd;
    int channel;           /* -1 where there is none */
    int slots[PLAN_SLOTS]; /* -1 where empty */
    int root;              /* O_PATH on the container's root once ROOT ran, else -1 */
    uint32_t keep_fds;
    bool cwd_deferred;      /* CWD waits for the user's own permissions */
    char *home;             /* "HOME=..." for EXEC, where the environment has none */
    char *program_path;     /* what EXEC runs, NULL before FIND_PROGRAM */
    struct hook *poststart; /* of POSTSTART, for MONITOR */
    uint32_t poststart_count;
    /* Of NOTIFY, for MONITOR: sockets, or -1. */
    int notify_from, notify_to;
    bool failed; /* the monitored child could not start; `failure` says why */
    struct failure failure;
    int status;      /* exit status of the monitored child, for EXIT */
    struct pal *pal; /* of init-runelet */
};

/* One operation of docs/protocol/launch-plan.md: consumes the payload and acts. */
typedef int operation(struct run *run, struct reader *payload, struct failure *f);

/* The environment, with what HOME has found at its end where the plan asked for it. */
char **with_home(const struct run *run, char **environment);

/* The operation of a code; NULL for an unknown one. */
operation *operation_of(uint16_t code);

/* Reads and checks a whole plan from its memfd. */
int plan_open(struct run *run, int fd, struct failure *f);

/* Executes the records from run->next on. Returns only on failure, or after a plan without end. */
int plan_run(struct run *run, struct failure *f);

/* The descriptor in a slot; -1 and a failure when there is none. */
int slot_fd(struct run *run, uint32_t slot, struct failure *f);

/* Puts a descriptor into an empty slot; closes it and fails when the slot is no good. */
int slot_fill(struct run *run, uint32_t slot, int fd, struct failure *f);

/* Fails with "malformed" unless the payload was read to its end. */
int payload_done(const struct reader *payload, struct failure *f);

#endif
