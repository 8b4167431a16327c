// SPDX-License-Identifier: Apache-2.0
/*
 * runelet and init-runelet: executors of launch plans.
 *
 *   runelet PLAN CHANNEL                        docs/protocol/launch-plan.md
 *   ... resume RECORD PLAN CHANNEL SLOTS        after the operation ENTER
 */
#include "channel.h"
#include "kernel.h"
#include "plan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static int number(const char *text)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    return errno != 0 || *end != 0 || end == text || value < -1 || value > INT_MAX ? -1
                                                                                   : (int)value;
}

/*
 * What an engine, a shell or the engine's runtime left ignored or blocked is not the container's.
 * Not through signal(3): the C library keeps 32 to 34 for itself, and Bun leaves those ignored.
 */
static void reset_signals(void)
{
    /* struct kernel_sigaction of x86-64: handler, flags, restorer, mask; all zero is SIG_DFL. */
    const uint64_t action[4] = {0}, none = 0;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none));
    for (int sig = 1; sig <= 64; sig++)
        syscall(SYS_rt_sigaction, sig, action, NULL, sizeof(none));
}

static int compare_ints(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Closes every descriptor from 3 on that the plan does not name; marks the named close-on-exec. */
static void close_others(const struct run *run)
{
    int keep[PLAN_SLOTS + 2];
    size_t count = 0;
    keep[count++] = run->plan_fd;
    if (run->channel >= 0)
        keep[count++] = run->channel;
    for (unsigned i = 0; i < PLAN_SLOTS; i++) {
        if (run->slots[i] > 2)
            keep[count++] = run->slots[i];
    }
    qsort(keep, count, sizeof(*keep), compare_ints);
    unsigned next = 3;
    for (size_t i = 0; i < count; i++) {
        fcntl(keep[i], F_SETFD, FD_CLOEXEC);
        if ((unsigned)keep[i] > next)
            sys_close_range(next, (unsigned)keep[i] - 1, 0);
        if ((unsigned)keep[i] >= next)
            next = (unsigned)keep[i] + 1;
    }
    sys_close_range(next, UINT_MAX, 0);
}

/* ENTER had to let it through; the payload must not get it. */
static void close_on_exec(int fd)
{
    if (fd > STDERR_FILENO)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static int restore_slots(struct run *run, char *text, struct failure *f)
{
    for (unsigned i = 0; i < PLAN_SLOTS; i++)
        run->slots[i] = -1;
    for (char *save = NULL, *item = strtok_r(text, ",", &save); item != NULL;
         item = strtok_r(NULL, ",", &save)) {
        char *colon = strchr(item, ':');
        if (colon == NULL)
            return fail_code(f, FAILURE_PLAN, "malformed slots", "resume");
        *colon = 0;
        int slot = number(item), fd = number(colon + 1);
        if (slot < 0 || slot >= PLAN_SLOTS || fd < 0)
            return fail_code(f, FAILURE_PLAN, "malformed slots", "resume");
        run->slots[slot] = fd;
        close_on_exec(fd);
    }
    return 0;
}

static int skip_records(struct run *run, int count, struct failure *f)
{
    struct record record;
    for (; run->index < (uint32_t)count; run->index++) {
        if (!record_next(&run->next, &record))
            return fail_code(f, FAILURE_PLAN, "no such record", "resume");
    }
    return 0;
}

static int start(struct run *run, int argc, char **argv, struct failure *f)
{
    bool resume = argc == 6 && strcmp(argv[1], "resume") == 0;
    if (!resume && argc != 3)
        return fail_code(f, FAILURE_PLAN, "it is started by rune only", "start runelet");
    int plan = number(argv[resume ? 3 : 1]);
    run->channel = number(argv[resume ? 4 : 2]);
    if (plan < 3)
        return fail_code(f, FAILURE_PLAN, "no plan", "start runelet");
    /* Started before the plan is made, so that neither has to wait for the other. */
    if (!resume && run->channel >= 0 && channel_wait(run, CHANNEL_PLAN, f) < 0)
        return -1;
    if (plan_open(run, plan, f) < 0)
        return -1;
    close_on_exec(plan);
    close_on_exec(run->channel);
    if (resume && (restore_slots(run, argv[5], f) < 0 || skip_records(run, number(argv[2]), f) < 0))
        return -1;
    /* After ENTER the descriptors are chosen already, and KEEP_FDS may refer to unnamed ones. */
    if (!resume)
        close_others(run);
    return 0;
}

int main(int argc, char **argv)
{
    static struct run run = {.channel = -1, .root = -1, .notify_from = -1, .notify_to = -1};
    struct failure f;
    prctl(PR_SET_DUMPABLE, 0);
    reset_signals();
    if (start(&run, argc, argv, &f) == 0)
        plan_run(&run, &f);
    channel_send_failure(&run, &f);
    return 1;
}
