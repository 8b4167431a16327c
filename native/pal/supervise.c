// SPDX-License-Identifier: Apache-2.0
/*
 * The duties of a container's first process around the PAL: signals and orphans. No descriptor is
 * involved, so that a PAL that closes what is not its own cannot break them.
 *
 * Three threads: main waits and reaps and never runs PAL code; the life thread runs `life`; the
 * signal thread calls pal_kill, which may block. Handlers run on the main thread as a rule
 * (complete_signal in kernel/signal.c prefers it), so PAL code seldom sees EINTR.
 */
#include "pal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "signals.h"

/* pal-api.md, "When, and on which thread". */
#define DESTROY_AFTER_SIGNAL_MS 2000
#define DESTROY_AFTER_END_MS 10000
#define KILLED_PAYLOADS_MS 2000
/* How often orphans are looked for when a PAL has taken SIGCHLD for itself. */
#define REAP_WITHOUT_SIGNAL_MS 1000

/* What a handler, which has no argument of ours, works on. */
static struct pal *supervised;

static void on_signal(int number)
{
    int error = errno;
    if (getpid() != supervised->owner) {
        /* A process that the PAL forked: the signal is its own, with its default effect. */
        signal(number, SIG_DFL);
        raise(number);
    } else if (number == SIGCHLD) {
        sem_post(&supervised->wake);
    } else {
        atomic_fetch_or(&supervised->heard, UINT64_C(1) << (number - 1));
        sem_post(&supervised->signals);
    }
    errno = error;
}

static int catch_signals(struct pal *pal)
{
    supervised = pal;
    struct sigaction action = {.sa_handler = on_signal,
                               .sa_flags = SA_RESTART | SA_ONSTACK | SA_NOCLDSTOP};
    sigemptyset(&action.sa_mask);
    for (int number = 1; number < SIGNAL_COUNT; number++)
        if ((number == SIGCHLD || signal_is_forwarded(number)) &&
            sigaction(number, &action, NULL) < 0)
            return -1;
    sigset_t none;
    sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The container ends because of this signal; the main thread does the rest. */
static void end_by(struct pal *pal, int number)
{
    int expected = 0;
    atomic_compare_exchange_strong(&pal->fatal, &expected, number);
    sem_post(&pal->wake);
}

/* The init payload's pid, waiting for it while it is being created; 0 when there is none. */
static int init_pid(struct pal *pal)
{
    pthread_mutex_lock(&pal->lock);
    while (pal->state == PAL_RUNNING && pal->init == NULL)
        pthread_cond_wait(&pal->changed, &pal->lock);
    int pid = pal->state == PAL_RUNNING ? pal->init->pid : 0;
    pthread_mutex_unlock(&pal->lock);
    return pid;
}

static void deliver(struct pal *pal, int number)
{
    enum pal_state state = pal_state(pal);
    if (state == PAL_ENDING)
        return;
    if (state != PAL_RUNNING || !pal_can_kill(pal)) {
        if (signal_is_fatal(number))
            end_by(pal, number);
        return;
    }
    int pid = init_pid(pal);
    struct failure why;
    if (pid == 0 || call_kill(pal, pid, number, &why) == 0)
        return;
    if (why.errno_value == ENOSYS && signal_is_fatal(number))
        end_by(pal, number);
    else
        pal_warn_failure(pal, &why);
}

static _Noreturn void *deliver_signals(void *context)
{
    struct pal *pal = context;
    for (;;) {
        while (sem_wait(&pal->signals) < 0)
            ;
        uint64_t heard = atomic_exchange(&pal->heard, 0);
        for (int number = 1; number < SIGNAL_COUNT; number++)
            if (heard & UINT64_C(1) << (number - 1))
                deliver(pal, number);
    }
}

/*
 * Reaps the main thread's own children only: orphans that the kernel handed to the first process
 * of the namespace. A PAL's children belong to the threads that forked them, and are its to reap.
 */
static void reap_orphans(void)
{
    while (waitpid(-1, NULL, WNOHANG | __WNOTHREAD) > 0)
        ;
}

/* Waits until something happened; false when `deadline` (if not NULL) came first. */
static bool wait_for_news(struct pal *pal, const struct timespec *deadline)
{
    for (;;) {
        struct sigaction now;
        sigaction(SIGCHLD, NULL, &now);
        bool deaf = now.sa_handler != on_signal;
        struct timespec until = deadline != NULL ? *deadline : (struct timespec){0};
        if (deaf) {
            struct timespec soon = pal_deadline(REAP_WITHOUT_SIGNAL_MS);
            if (deadline == NULL || soon.tv_sec < until.tv_sec)
                until = soon;
        }
        bool timed = deaf || deadline != NULL;
        int result =
            timed ? sem_clockwait(&pal->wake, CLOCK_MONOTONIC, &until) : sem_wait(&pal->wake);
        reap_orphans();
        if (result == 0)
            return true;
        struct timespec at = pal_deadline(0);
        if (deadline != NULL && (at.tv_sec > deadline->tv_sec || (at.tv_sec == deadline->tv_sec &&
                                                                  at.tv_nsec >= deadline->tv_nsec)))
            return false;
    }
}

static void destroy(struct pal *pal)
{
    struct failure why;
    if (call_destroy(pal, &why) < 0)
        pal_warn_failure(pal, &why);
    atomic_store(&pal->ended, true);
    sem_post(&pal->wake);
}

static void *destroy_thread(void *pal)
{
    destroy(pal);
    return NULL;
}

struct life {
    struct pal *pal;
    int (*run)(struct pal *pal, void *context);
    void *context;
};

_Noreturn void pal_end(struct pal *pal, int status)
{
    pal->result = status;
    bool created = pal_state(pal) >= PAL_CREATED;
    pal_set_state(pal, PAL_ENDING);
    atomic_store(&pal->life_over, true);
    sem_post(&pal->wake);
    if (created) {
        payloads_end(pal);
        destroy(pal);
    }
    atomic_store(&pal->ended, true);
    sem_post(&pal->wake);
    /* Stays: a child that this thread forked for the PAL would otherwise become an orphan. */
    for (;;)
        pause();
}

static _Noreturn void *live(void *argument)
{
    struct life *life = argument;
    pal_end(life->pal, life->run(life->pal, life->context));
}

/* Waits until pal_destroy has returned, or says that it has not. */
static void await_destroy(struct pal *pal, long ms)
{
    struct timespec deadline = pal_deadline(ms);
    while (!atomic_load(&pal->ended)) {
        if (!wait_for_news(pal, &deadline)) {
            pal_warn(pal, "pal_destroy of `%s`: not back after %ld seconds", pal->name, ms / 1000);
            return;
        }
    }
}

static int end_after_signal(struct pal *pal, int number)
{
    enum pal_state state = pal_state(pal);
    pal_set_state(pal, PAL_ENDING);
    pthread_t thread;
    if (state >= PAL_CREATED && pal_thread(&thread, destroy_thread, pal) == 0)
        await_destroy(pal, DESTROY_AFTER_SIGNAL_MS);
    return 128 + number;
}

int pal_supervise(struct pal *pal, int (*run)(struct pal *pal, void *context), void *context)
{
    pal->owner = getpid();
    struct life life = {pal, run, context};
    pthread_t thread;
    int error = catch_signals(pal) < 0 ? errno : 0;
    if (error == 0)
        error = pal_thread(&thread, deliver_signals, pal);
    if (error == 0)
        error = pal_thread(&thread, live, &life);
    if (error != 0) {
        pal_warn(pal, "start the life thread of `%s`: %s", pal->name, strerror(error));
        return 1;
    }
    for (;;) {
        wait_for_news(pal, NULL);
        if (atomic_load(&pal->life_over)) {
            await_destroy(pal, DESTROY_AFTER_END_MS + KILLED_PAYLOADS_MS);
            return pal->result;
        }
        int fatal = atomic_load(&pal->fatal);
        if (fatal != 0)
            return end_after_signal(pal, fatal);
    }
}
