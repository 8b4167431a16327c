// SPDX-License-Identifier: Apache-2.0
/* EXEC: a further payload, on a thread of its own beside the connection's. */
#include "agent.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Between SIGHUP and SIGKILL for a payload whose monitor has gone. */
#define HANGUP_MS 2000

/*
 * The working directory for this thread alone. CLONE_FS is shared by all threads of a process;
 * unsharing it needs no capability, but docker's default filter forbids unshare(2) altogether.
 */
static int enter_directory(const char *cwd, struct failure *why)
{
    char here[4096];
    if (*cwd == 0 || (getcwd(here, sizeof(here)) != NULL && strcmp(here, cwd) == 0))
        return 0;
    if (unshare(CLONE_FS) < 0) {
        int error = errno;
        fail_code(why, FAILURE_SYSCALL,
                  "the container's seccomp profile forbids unshare, so that only the container's "
                  "own working directory can be used",
                  "enter directory `%.256s`", cwd);
        why->errno_value = error;
        return -1;
    }
    return chdir(cwd) == 0 ? 0 : fail_errno(why, errno, "enter directory `%.256s`", cwd);
}

static void tell_started(struct agent_connection *c, int pid)
{
    pthread_mutex_lock(&c->lock);
    c->pid = pid;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
    uint8_t buffer[32];
    struct writer reply;
    write_begin(&reply, buffer, sizeof(buffer), AGENT_STARTED, 0);
    write_u32(&reply, (uint32_t)pid);
    /* When nobody listens the connection's thread finds out by itself. */
    agent_reply(c, &reply);
}

static void tell_exited(struct agent_connection *c, struct exit_status status)
{
    uint8_t buffer[32];
    struct writer reply;
    write_begin(&reply, buffer, sizeof(buffer), AGENT_EXITED, 0);
    write_u32(&reply, status.by);
    write_u32(&reply, (uint32_t)status.value);
    agent_reply(c, &reply);
}

static void run(struct agent_connection *c)
{
    struct failure why;
    struct payload payload;
    struct exit_status status;
    char buffer[4096];
    if (enter_directory(c->cwd, &why) < 0) {
        agent_reply_failure(c, AGENT_ERROR_FINAL, AGENT_SYSTEM, &why);
        return;
    }
    const char *path = payload_path(c->launch.argv[0], c->launch.environment, buffer);
    if (payload_create(c->pal, path, &c->launch, &payload, &why) < 0) {
        agent_reply_failure(c, AGENT_ERROR_FINAL, AGENT_PAL, &why);
        return;
    }
    tell_started(c, payload.pid);
    if (payload_exec(c->pal, path, &c->launch, &payload, &status, &why) < 0)
        agent_reply_failure(c, AGENT_ERROR_FINAL, AGENT_PAL, &why);
    else
        tell_exited(c, status);
}

static void *exec_thread(void *argument)
{
    struct agent_connection *c = argument;
    agent_fork_own(c);
    run(c);
    pthread_mutex_lock(&c->lock);
    c->over = true;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
    /* Wakes the connection's thread; what was sent stays readable for the host. */
    shutdown(c->socket, SHUT_RDWR);
    return NULL;
}

static bool parse(struct agent_connection *c, struct agent_frame *frame)
{
    c->cwd = read_string(&frame->payload, NULL);
    c->launch.argv = read_list(&frame->payload);
    c->launch.environment = read_list(&frame->payload);
    bool tty = (frame->flags & AGENT_EXEC_TTY) != 0;
    if (!reader_done(&frame->payload) || c->launch.argv[0] == NULL ||
        (frame->flags & ~(AGENT_EXEC_TTY | AGENT_EXEC_DETACHED)) != 0 ||
        frame->fd_count != (tty ? 1 : 3))
        return false;
    const int *fds = frame->fds;
    c->launch.stdio =
        tty ? (pal_stdio_fds){fds[0], fds[0], fds[0]} : (pal_stdio_fds){fds[0], fds[1], fds[2]};
    c->detached = (frame->flags & AGENT_EXEC_DETACHED) != 0;
    return true;
}

static void release(struct agent_connection *c)
{
    free(c->launch.argv);
    free(c->launch.environment);
    agent_request_free(c);
}

/* The host may not run anything before start, or after the payload has ended. */
static bool refuse(struct agent_connection *c, enum pal_state state)
{
    if (state == PAL_RUNNING)
        return false;
    bool early = state < PAL_RUNNING;
    agent_reply_error(c, AGENT_ERROR_FINAL, early ? AGENT_NOT_STARTED : AGENT_IS_ENDING, 0,
                      "run a program",
                      early ? "the container has not been started" : "the container is ending");
    return true;
}

bool agent_exec(struct agent_connection *c)
{
    if (refuse(c, pal_state(c->pal)))
        return false;
    if (!parse(c, &c->request)) {
        agent_reply_error(c, AGENT_ERROR_FINAL, AGENT_MALFORMED, 0, "read a request",
                          "EXEC has wrong arguments, flags or descriptors");
        release(c);
        return false;
    }
    int error = pal_thread(&c->thread, exec_thread, c);
    if (error != 0) {
        agent_reply_error(c, AGENT_ERROR_FINAL, AGENT_SYSTEM, error, "start a thread",
                          strerror(error));
        release(c);
        return false;
    }
    c->has_exec = true;
    return true;
}

/* Waits until the payload has ended; false when `ms` passed first. */
static bool is_over_within(struct agent_connection *c, long ms)
{
    struct timespec deadline = pal_deadline(ms);
    int error = 0;
    pthread_mutex_lock(&c->lock);
    while (!c->over && error == 0)
        error = pthread_cond_timedwait(&c->changed, &c->lock, &deadline);
    bool over = c->over;
    pthread_mutex_unlock(&c->lock);
    return over;
}

/* The payload's pid, waiting for it while it is being created; 0 when it has ended. */
static int created_pid(struct agent_connection *c)
{
    pthread_mutex_lock(&c->lock);
    while (c->pid == 0 && !c->over)
        pthread_cond_wait(&c->changed, &c->lock);
    int pid = c->over ? 0 : c->pid;
    pthread_mutex_unlock(&c->lock);
    return pid;
}

/* SIGHUP, two seconds, SIGKILL: what a closing terminal and an impatient init do. */
static void hang_up(struct agent_connection *c)
{
    if (!pal_can_kill(c->pal))
        return;
    struct failure why;
    int pid = created_pid(c);
    if (pid == 0 || (call_kill(c->pal, pid, SIGHUP, &why) == 0 && is_over_within(c, HANGUP_MS)))
        return;
    if (payload_lives(c->pal, pid) && call_kill(c->pal, pid, SIGKILL, &why) < 0)
        pal_warn_failure(c->pal, &why);
}

void agent_exec_finish(struct agent_connection *c)
{
    if (!c->detached)
        hang_up(c);
    pthread_join(c->thread, NULL);
    release(c);
}
