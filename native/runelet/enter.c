// SPDX-License-Identifier: Apache-2.0
#include "operations.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RESUME_ARGUMENTS 5

static void stay_open(int fd)
{
    if (fd >= 0)
        fcntl(fd, F_SETFD, 0);
}

/* "0:5,3:7": slot 0 is descriptor 5, slot 3 is descriptor 7. */
static void list_slots(const struct run *run, char *text, size_t size)
{
    size_t used = 0;
    text[0] = 0;
    for (unsigned i = 0; i < PLAN_SLOTS; i++) {
        if (run->slots[i] < 0)
            continue;
        int n =
            snprintf(text + used, size - used, "%s%u:%d", used > 0 ? "," : "", i, run->slots[i]);
        used += (size_t)n;
        stay_open(run->slots[i]);
    }
}

int op_enter(struct run *run, struct reader *payload, struct failure *f)
{
    char record[16], plan[16], channel[16], slots[PLAN_SLOTS * 16];
    uint32_t slot = read_u32(payload);
    char **given = read_list(payload);
    if (payload_done(payload, f) < 0)
        return -1;
    int program = slot_fd(run, slot, f);
    if (program < 0)
        return -1;
    size_t count = 0;
    while (given[count] != NULL)
        count++;
    char **argv = calloc(count + RESUME_ARGUMENTS + 1, sizeof(*argv));
    if (argv == NULL)
        return fail_errno(f, ENOMEM, "enter the next program");
    memcpy(argv, given, count * sizeof(*argv));
    snprintf(record, sizeof(record), "%u", run->index + 1);
    snprintf(plan, sizeof(plan), "%d", run->plan_fd);
    snprintf(channel, sizeof(channel), "%d", run->channel);
    list_slots(run, slots, sizeof(slots));
    stay_open(run->plan_fd);
    stay_open(run->channel);
    char *resume[RESUME_ARGUMENTS] = {"resume", record, plan, channel, slots};
    memcpy(argv + count, resume, sizeof(resume));
    char *environment[] = {NULL};
    /* By descriptor: the /proc in sight may be the container's by now. */
    syscall(SYS_execveat, program, "", argv, environment, AT_EMPTY_PATH);
    return fail_errno(f, errno, "execute `%s`", given[0] != NULL ? given[0] : "the next program");
}
