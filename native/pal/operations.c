// SPDX-License-Identifier: Apache-2.0
/*
 * The launch plan's enclave operations, in init-runelet (docs/protocol/launch-plan.md, "Enclave").
 * From PAL_INIT on the plan goes on on the PAL host's life thread; the main thread supervises.
 */
#include "../runelet/operations.h"

#include <errno.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../runelet/channel.h"
#include "../runelet/kernel.h"
#include "pal_host.h"

/* Operations of docs/protocol/launch-plan.md whose first argument is a slot. */
#define CODE_WAIT_FIFO 46
#define CODE_AGENT 82

struct start {
    struct run *run;
    const char *args;
    const char *log_level;
    char **environment;
};

/* The run whose descriptors a process that the PAL forks must not keep. */
static struct run *hosted;

static void close_slot(struct run *run, unsigned slot)
{
    if (run->slots[slot] > 2)
        close(run->slots[slot]);
    run->slots[slot] = -1;
}

static void close_channel(struct run *run)
{
    if (run->channel >= 0)
        close(run->channel);
    run->channel = -1;
}

static void close_all(struct run *run)
{
    close_channel(run);
    for (unsigned i = 0; i < PLAN_SLOTS; i++)
        close_slot(run, i);
}

static void close_in_child(void)
{
    close_all(hosted);
}

static void warn(void *context, const char *text)
{
    (void)context;
    dprintf(2, "init-runelet: %s\n", text);
}

int op_pal_load(struct run *run, struct reader *payload, struct failure *f)
{
    uint32_t slot = read_u32(payload);
    const char *name = read_string(payload, NULL);
    if (payload_done(payload, f) < 0)
        return -1;
    int fd = slot_fd(run, slot, f);
    if (fd < 0 || pal_load(fd, name, &run->pal, f) < 0)
        return -1;
    close_slot(run, slot);
    pal_on_warning(run->pal, warn, NULL);
    return 0;
}

/*
 * Closes every slot that no later record refers to: the host's descriptors (programs, cgroup,
 * namespaces) must be gone before the PAL's code runs.
 */
static void close_unneeded(struct run *run)
{
    bool needed[PLAN_SLOTS] = {false};
    struct reader rest = run->next;
    struct record record;
    while (record_next(&rest, &record)) {
        bool names_slot = record.code == CODE_WAIT_FIFO || record.code == CODE_AGENT;
        uint32_t slot = names_slot ? read_u32(&record.payload) : PLAN_NONE;
        if (slot < PLAN_SLOTS)
            needed[slot] = true;
    }
    for (unsigned i = 0; i < PLAN_SLOTS; i++) {
        /* Preserved descriptors, 3 to 2+keep_fds, are the payload's. */
        bool preserved = run->slots[i] >= 3 && (uint32_t)run->slots[i] - 3 < run->keep_fds;
        if (!needed[i] && !preserved)
            close_slot(run, i);
    }
}

/* What init-runelet does not need any more, and what a program it starts must not see. */
static int leave_host(struct run *run, struct failure *f)
{
    close(run->plan_fd);
    run->plan_fd = -1;
    if (run->root >= 0)
        close(run->root);
    run->root = -1;
    close_unneeded(run);
    if (sys_close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
        return fail_errno(f, errno, "mark descriptors close-on-exec");
    hosted = run;
    int error = pthread_atfork(NULL, NULL, close_in_child);
    return error == 0 ? 0 : fail_errno(f, error, "start PAL");
}

static int live(struct pal *pal, void *context)
{
    const struct start *start = context;
    struct run *run = start->run;
    struct failure f;
    if (pal_start(pal, start->args, start->log_level, start->environment, &f) == 0) {
        run->index++;
        plan_run(run, &f);
    }
    channel_send_failure(run, &f);
    return 1;
}

int op_pal_init(struct run *run, struct reader *payload, struct failure *f)
{
    struct start start = {.run = run};
    start.args = read_string(payload, NULL);
    start.log_level = read_string(payload, NULL);
    start.environment = read_list(payload);
    if (payload_done(payload, f) < 0)
        return -1;
    if (run->pal == NULL)
        return fail_code(f, FAILURE_PLAN, "PAL_LOAD is missing", "start PAL");
    start.environment = with_home(run, start.environment);
    if (pal_harden(f) < 0 || leave_host(run, f) < 0)
        return -1;
    _exit(pal_supervise(run->pal, live, &start));
}

int op_agent(struct run *run, struct reader *payload, struct failure *f)
{
    uint32_t slot = read_u32(payload);
    if (payload_done(payload, f) < 0)
        return -1;
    if (run->pal == NULL)
        return fail_code(f, FAILURE_PLAN, "PAL_INIT is missing", "start the agent");
    int listener = slot_fd(run, slot, f);
    if (listener < 0 || pal_serve(run->pal, listener, f) < 0)
        return -1;
    /* The agent's from here on. */
    run->slots[slot] = -1;
    return 0;
}

/* Whoever waits at the channel's end learns that the payload runs. */
static void on_created(void *run)
{
    close_all(run);
}

int op_pal_run(struct run *run, struct reader *payload, struct failure *f)
{
    struct pal_payload init = {.stdio = {0, 1, 2}, .on_created = on_created, .context = run};
    int status;
    init.argv = read_list(payload);
    init.environment = read_list(payload);
    if (payload_done(payload, f) < 0)
        return -1;
    init.environment = with_home(run, init.environment);
    if (init.argv[0] == NULL || run->pal == NULL)
        return fail_code(f, FAILURE_PLAN, "no program, or no PAL_INIT before it", "run a payload");
    if (pal_run(run->pal, &init, &status, f) < 0)
        return -1;
    pal_end(run->pal, status);
}
