// SPDX-License-Identifier: Apache-2.0
/* The monitor: exit statuses, signals, failures told by the child. Each in a process of its own. */
#include "../channel.h"
#include "support.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the monitored child does, and what is asked about the monitor afterwards. */
struct scene {
    void (*child)(int channel);
    void (*during)(pid_t monitor); /* what the test does meanwhile */
    int (*after)(struct run *run); /* -1: the kept status */
    uint32_t flags;
    const char *poststart; /* a shell's script, run as POSTSTART hook */
    bool restored;         /* the child runs already: no channel */
    int console;           /* a descriptor that is no console socket, or 0 */
};

static void await_run(int channel)
{
    struct run run = empty_run();
    struct failure f;
    run.channel = channel;
    if (channel_wait(&run, CHANNEL_RUN, &f) < 0)
        _exit(77);
}

static int keep_hook(struct run *run, const char *script)
{
    uint8_t buffer[1024];
    const char *const argv[] = {"sh", "-c", script, NULL}, *const none[] = {NULL};
    struct writer w;
    struct failure f;
    write_begin(&w, buffer, sizeof(buffer), 76, 0);
    write_u32(&w, 20);
    write_string(&w, "/bin/sh");
    write_list(&w, argv);
    write_list(&w, none);
    write_bytes(&w, "{}", 2);
    write_bytes(&w, "", 0);
    /* The arguments stay in the plan for as long as the monitor runs. */
    uint8_t *kept = malloc(sizeof(buffer));
    memcpy(kept, buffer, sizeof(buffer));
    w.start = kept;
    return perform(op_poststart, run, &w, &f);
}

static int monitor(void *argument)
{
    struct scene *scene = argument;
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return 99;
    pid_t pid = fork();
    if (pid == 0) {
        close(pair[0]);
        scene->child(pair[1]);
        _exit(98);
    }
    close(pair[1]);
    uint8_t buffer[64];
    struct writer w;
    struct run run = empty_run();
    struct failure f = {0};
    run.slots[5] = pair[0];
    run.slots[6] = scene->console;
    if (scene->poststart != NULL && keep_hook(&run, scene->poststart) < 0)
        return 96;
    write_begin(&w, buffer, sizeof(buffer), 64, 0);
    write_u32(&w, (uint32_t)pid);
    write_u32(&w, scene->console > 0 ? 6 : PLAN_NONE);
    write_u32(&w, scene->restored ? PLAN_NONE : 5);
    write_u32(&w, scene->flags);
    if (perform(op_monitor, &run, &w, &f) < 0)
        return 97;
    return scene->after != NULL ? scene->after(&run) : run.status;
}

static int result_of(struct scene scene)
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        _exit(monitor(&scene));
    if (scene.during != NULL)
        scene.during(pid);
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void exits_0(int channel)
{
    await_run(channel);
    _exit(0);
}

static void exits_255(int channel)
{
    await_run(channel);
    close(channel); /* the payload runs */
    usleep(20000);
    _exit(255);
}

static void is_killed(int channel)
{
    await_run(channel);
    raise(SIGKILL);
}

static void is_terminated(int channel)
{
    await_run(channel);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    raise(SIGTERM);
}

static void is_gone(int channel)
{
    (void)channel;
    _exit(3); /* before RUN, without a word */
}

static void orphans(int channel)
{
    await_run(channel);
    for (int i = 0; i < 5; i++) {
        if (fork() == 0) {
            if (fork() == 0)
                _exit(11);
            _exit(12);
        }
    }
    usleep(50000);
    _exit(4);
}

static void test_statuses(void)
{
    ok(result_of((struct scene){.child = exits_0}) == 0, "status 0");
    ok(result_of((struct scene){.child = exits_255}) == 255, "status 255");
    ok(result_of((struct scene){.child = is_killed}) == 137, "SIGKILL is 137");
    ok(result_of((struct scene){.child = is_terminated}) == 143, "SIGTERM is 143");
    ok(result_of((struct scene){.child = is_gone}) == 3, "a child that was gone before");
    ok(result_of((struct scene){.child = orphans}) == 4, "orphans are reaped, the child's counts");
}

static int failure_is_kept(struct run *run)
{
    bool kept = run->failed && run->failure.code == FAILURE_NOT_FOUND &&
                run->failure.errno_value == 2 && strcmp(run->failure.doing, "exec `x`") == 0 &&
                strcmp(run->failure.reason, "not found") == 0;
    return kept && run->status == 1 ? 50 : 51;
}

static void fails(int channel)
{
    struct run run = empty_run();
    struct failure why = {.code = FAILURE_NOT_FOUND, .errno_value = 2};
    await_run(channel);
    run.channel = channel;
    strcpy(why.doing, "exec `x`");
    strcpy(why.reason, "not found");
    channel_send_failure(&run, &why);
    _exit(1);
}

static void babbles(int channel)
{
    await_run(channel);
    for (int i = 0; i < 20; i++) {
        uint8_t packet[64];
        memset(packet, i, sizeof(packet));
        send(channel, packet, (size_t)(3 * i), MSG_NOSIGNAL);
    }
    _exit(5);
}

static int nothing_failed(struct run *run)
{
    return run->failed ? 61 : 60 + (run->status != 5) * 2;
}

static void test_channel(void)
{
    int status = result_of((struct scene){.child = fails, .after = failure_is_kept});
    ok(status == 50, "what the child says of its failure is kept (%d)", status);
    status = result_of((struct scene){.child = babbles, .after = nothing_failed});
    ok(status == 60, "packets that are no FAILED are no failure (%d)", status);
}

static void send_termination(pid_t monitor_pid);

static void runs_until_killed(int channel)
{
    await_run(channel);
    close(channel);
    for (;;)
        pause();
}

static void runs_shortly(int channel)
{
    await_run(channel);
    close(channel);
    _exit(6);
}

static int hook_failure_is_kept(struct run *run)
{
    bool kept = run->failed && run->failure.code == FAILURE_HOOK &&
                strcmp(run->failure.reason, "exit status 3: no") == 0;
    return kept ? run->status : 51;
}

static int relay_failure_is_kept(struct run *run)
{
    bool kept = run->failed && strcmp(run->failure.doing, "receive the terminal") == 0;
    return kept ? 80 + run->status : 51;
}

static int status_unless_failed(struct run *run)
{
    return run->failed ? 51 : run->status;
}

static void test_poststart(void)
{
    int status = result_of((struct scene){
        .child = runs_until_killed, .poststart = "exit 0", .during = send_termination});
    ok(status == 143, "signals are passed on while hooks run, and after them (%d)", status);
    status = result_of((struct scene){
        .child = runs_until_killed, .poststart = "echo no; exit 3", .after = hook_failure_is_kept});
    ok(status == 137, "a POSTSTART hook that fails kills the container (%d)", status);
    status = result_of((struct scene){
        .child = runs_shortly, .poststart = "sleep 0.3", .after = status_unless_failed});
    ok(status == 6, "the program's end waits for the hooks (%d)", status);
    status =
        result_of((struct scene){.child = fails, .poststart = "exit 3", .after = failure_is_kept});
    ok(status == 50, "no hook runs where the program does not (%d)", status);
}

static void test_relay_failure(void)
{
    int null = open("/dev/null", O_RDWR);
    int status = result_of((struct scene){
        .child = runs_until_killed, .console = null, .after = relay_failure_is_kept});
    ok(status == 81, "without its terminal the monitor kills the child and goes on (%d)", status);
    close(null);
}

static void caught(int signal)
{
    _exit(signal == SIGUSR1 ? 21 : signal == SIGTERM ? 22 : 23);
}

static void waits_for_signal(int channel)
{
    sigset_t none;
    signal(SIGUSR1, caught);
    signal(SIGTERM, caught);
    signal(SIGURG, caught);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    await_run(channel);
    for (;;)
        pause();
}

static void send_user_signal(pid_t monitor_pid)
{
    usleep(100000);
    kill(monitor_pid, SIGURG); /* of a Go program in the same group: not passed on */
    kill(monitor_pid, SIGWINCH);
    usleep(20000);
    kill(monitor_pid, SIGUSR1);
}

static void send_termination(pid_t monitor_pid)
{
    usleep(100000);
    kill(monitor_pid, SIGTERM);
}

static void test_signals(void)
{
    int status = result_of((struct scene){.child = waits_for_signal, .during = send_user_signal});
    ok(status == 21, "SIGUSR1 is passed on, SIGURG is not (%d)", status);
    status = result_of((struct scene){.child = waits_for_signal, .during = send_termination});
    ok(status == 22, "SIGTERM is passed on, and does not end the monitor (%d)", status);
}

static int subreaper(struct run *run)
{
    int set = -1;
    (void)run;
    prctl(PR_GET_CHILD_SUBREAPER, &set);
    return 70 + set;
}

static int stranger(void *unused)
{
    (void)unused;
    uint8_t buffer[64];
    struct writer w;
    struct run run = empty_run();
    struct failure f = {0};
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0)
        return 1;
    run.slots[0] = pair[0];
    write_begin(&w, buffer, sizeof(buffer), 64, 0);
    write_u32(&w, 1);
    write_u32(&w, PLAN_NONE);
    write_u32(&w, 0);
    write_u32(&w, 0);
    close(pair[1]);
    return perform(op_monitor, &run, &w, &f) < 0 ? 2 : run.status;
}

static void test_parentage(void)
{
    ok(result_of((struct scene){.child = exits_0, .after = subreaper}) == 71,
       "the monitor is a subreaper");
    ok(result_of((struct scene){.child = exits_0, .after = subreaper, .flags = 1}) == 70,
       "unless it is told not to be");
    ok(in_child(stranger, NULL) == 255, "of a process that is no child nobody can know");
}

static void runs_already(int channel)
{
    (void)channel;
    usleep(20000);
    _exit(34);
}

static void runs_on(int channel)
{
    (void)channel;
    for (;;)
        pause();
}

static void test_restored(void)
{
    int status = result_of((struct scene){.child = runs_already, .restored = true});
    ok(status == 34, "a child that runs already needs no channel (%d)", status);
    status = result_of((struct scene){.child = runs_on,
                                      .restored = true,
                                      .poststart = "echo no; exit 3",
                                      .after = hook_failure_is_kept});
    ok(status == 137, "its poststart hooks run at once (%d)", status);
}

static int report(void *argument)
{
    uint8_t buffer[512];
    struct writer w;
    struct run run = empty_run();
    struct failure f = {0};
    const char *const argv[] = {"/bin/sh", "-c",
                                "test \"$#:$1:$2:$3:$4\" = '4:2:13:exec `x`:no \"way\"' && exit 42",
                                "sh", NULL};
    run.failed = argument != NULL;
    run.failure = (struct failure){.code = 2, .errno_value = 13};
    strcpy(run.failure.doing, "exec `x`");
    strcpy(run.failure.reason, "no \"way\"");
    write_begin(&w, buffer, sizeof(buffer), 69, 0);
    write_list(&w, argv);
    return perform(op_report, &run, &w, &f) == 0 ? 30 : 31;
}

static void test_report(void)
{
    ok(in_child(report, (void *)(uintptr_t) "") == 42, "REPORT passes the failure on as arguments");
    ok(in_child(report, NULL) == 30, "and does nothing where there is none");
}

static int exit_with(void *status)
{
    uint8_t buffer[16];
    struct writer w;
    struct run run = empty_run();
    struct failure f = {0};
    run.status = *(int *)status;
    write_begin(&w, buffer, sizeof(buffer), 68, 0);
    return perform(op_exit, &run, &w, &f) < 0 ? 90 : 91;
}

int main(void)
{
    int status = 137;
    test_statuses();
    test_channel();
    test_signals();
    test_parentage();
    test_report();
    test_poststart();
    test_restored();
    test_relay_failure();
    ok(in_child(exit_with, &status) == 137, "EXIT ends with the kept status");
    return tap_done();
}
