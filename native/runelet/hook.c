// SPDX-License-Identifier: Apache-2.0
/* OCI hooks: in the container, in rune's own namespaces, and beside or behind the monitor. */
#include "channel.h"
#include "hook.h"
#include "operations.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct hook {
    const char *path;
    char **argv, **environment;
    const uint8_t *state, *tail;
    uint32_t state_size, tail_size;
    uint32_t timeout_s;
    uint32_t keep_fds; /* what KEEP_FDS has opened for the program */
};

static _Noreturn void become_hook(const struct hook *hook, int input, int output)
{
    /* Preserved descriptors are the payload's. Not close_range, which its filter may refuse. */
    for (uint32_t i = 0; i < hook->keep_fds; i++)
        fcntl(3 + (int)i, F_SETFD, FD_CLOEXEC);
    sigset_t none;
    signal(SIGPIPE, SIG_DFL); /* ignored in the parent; execve would pass that on */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL); /* the monitor has all blocked */
    dup2(input, 0);
    dup2(output, 1);
    dup2(output, 2);
    execve(hook->path, hook->argv, hook->environment);
    dprintf(2, "%s", strerror(errno));
    _exit(127);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What a hook writes: the first of it is kept for the error, the rest is thrown away. */
struct output {
    int fd; /* non-blocking */
    size_t used;
    char text[400];
};

/* Reads once; false when there is nothing now, or nothing any more. */
static bool collect(struct output *output)
{
    char rest[512];
    size_t room = sizeof(output->text) - 1 - output->used;
    ssize_t n = room > 0 ? read(output->fd, output->text + output->used, room)
                         : read(output->fd, rest, sizeof(rest));
    if (n > 0 && room > 0)
        output->used += (size_t)n;
    output->text[output->used] = 0;
    return n > 0;
}

struct process {
    pid_t pid;
    int fd; /* a pidfd, or -1 where none could be had: the container's own filter may refuse it */
    int status;
    bool ended;
};

/* Reaps the process where it has ended. */
static void look(struct process *process)
{
    pid_t reaped = waitpid(process->pid, &process->status, WNOHANG);
    process->ended = reaped == process->pid || (reaped < 0 && errno == ECHILD);
}

/* How long to wait in ms, -1 for ever; less than 0 left is the caller's to see. */
static int patience(const struct hook *hook, const struct process *process, int64_t left)
{
    int wait = hook->timeout_s == 0 ? -1 : left > INT_MAX ? INT_MAX : (int)left;
    return process->fd >= 0 || (wait >= 0 && wait < 10) ? wait : 10;
}

/*
 * Feeds the state and collects the first output until the process ends. False when the time is up.
 * Not until end of file: a hook may leave a daemon behind that holds the pipe, and writes into it.
 */
static bool attend(const struct hook *hook, struct process *process, int input,
                   struct output *output)
{
    int64_t deadline = now_ms() + (int64_t)hook->timeout_s * 1000;
    size_t written = 0;
    bool readable = true;
    while (!process->ended) {
        struct pollfd fds[3] = {
            {process->fd, POLLIN, 0}, {readable ? output->fd : -1, POLLIN, 0}, {input, POLLOUT, 0}};
        int64_t left = deadline - now_ms();
        if (hook->timeout_s != 0 && left <= 0)
            break;
        if (poll(fds, 3, patience(hook, process, left)) < 0 && errno != EINTR)
            break;
        if (fds[2].revents != 0) {
            ssize_t n = write(input, hook->state + written, hook->state_size - written);
            written += n > 0 ? (size_t)n : 0;
            if ((n <= 0 && errno != EAGAIN) || written == hook->state_size) {
                close(input);
                input = -1;
            }
        }
        /* A closed pipe stays ready for ever: it is not waited for again. */
        if (fds[1].revents != 0)
            readable = collect(output);
        if (process->fd < 0 || fds[0].revents != 0)
            look(process);
    }
    if (input >= 0)
        close(input);
    while (process->ended && output->used < sizeof(output->text) - 1 && collect(output))
        ;
    return process->ended;
}

/* ": <text>" without the newline at its end; nothing where there is no text. */
static const char *told(struct output *output, const char **separator)
{
    while (output->used > 0 && output->text[output->used - 1] == '\n')
        output->text[--output->used] = 0;
    *separator = output->used > 0 ? ": " : "";
    return output->text;
}

static int run_hook(const struct hook *hook, struct failure *f)
{
    char reason[480];
    int input[2], pipe[2];
    if (pipe2(input, O_CLOEXEC) < 0 || pipe2(pipe, O_CLOEXEC) < 0)
        return fail_errno(f, errno, "run hook `%s`", hook->path);
    pid_t pid = fork();
    if (pid < 0)
        return fail_errno(f, errno, "run hook `%s`", hook->path);
    if (pid == 0)
        become_hook(hook, input[0], pipe[1]);
    close(input[0]);
    close(pipe[1]);
    fcntl(input[1], F_SETFL, O_NONBLOCK);
    fcntl(pipe[0], F_SETFL, O_NONBLOCK);
    struct output output = {.fd = pipe[0]};
    struct process process = {.pid = pid, .fd = (int)syscall(SYS_pidfd_open, pid, 0)};
    bool in_time = attend(hook, &process, input[1], &output);
    if (!in_time) {
        kill(pid, SIGKILL);
        while (waitpid(pid, &process.status, 0) < 0 && errno == EINTR)
            ;
    }
    if (process.fd >= 0)
        close(process.fd);
    close(pipe[0]);
    int status = process.status;
    if (in_time && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    const char *separator, *text = told(&output, &separator);
    if (!in_time)
        snprintf(reason, sizeof(reason), "no end within %u s", hook->timeout_s);
    else if (WIFEXITED(status))
        snprintf(reason, sizeof(reason), "exit status %d%s%s", WEXITSTATUS(status), separator,
                 text);
    else
        snprintf(reason, sizeof(reason), "signal %d%s%s", WTERMSIG(status), separator, text);
    return fail_code(f, FAILURE_HOOK, reason, "run hook `%s`", hook->path);
}

/* "<state><pid><tail>" in memory that stays: who runs hooks ends soon. */
static int insert_pid(struct hook *hook, struct failure *f)
{
    char pid[16];
    int digits = snprintf(pid, sizeof(pid), "%d", (int)getpid());
    size_t size = (size_t)hook->state_size + (size_t)digits + hook->tail_size;
    uint8_t *whole = malloc(size);
    if (whole == NULL)
        return fail_errno(f, ENOMEM, "run hook `%s`", hook->path);
    memcpy(whole, hook->state, hook->state_size);
    memcpy(whole + hook->state_size, pid, (size_t)digits);
    memcpy(whole + hook->state_size + digits, hook->tail, hook->tail_size);
    hook->state = whole;
    hook->state_size = (uint32_t)size; /* a plan has 16 MiB at most */
    return 0;
}

/* The arguments of HOOK, which POSTSTART and POSTSTOP have too. */
static struct hook read_hook(const struct run *run, struct reader *payload)
{
    struct hook hook = {.timeout_s = read_u32(payload), .keep_fds = run->keep_fds};
    hook.path = read_string(payload, NULL);
    hook.argv = read_list(payload);
    hook.environment = read_list(payload);
    hook.state = read_bytes(payload, &hook.state_size);
    hook.tail = read_bytes(payload, &hook.tail_size);
    return hook;
}

static int perform_hook(struct hook *hook, struct failure *f)
{
    if (hook->tail_size > 0 && insert_pid(hook, f) < 0)
        return -1;
    /* A hook that closes its standard input early must not end this process. */
    signal(SIGPIPE, SIG_IGN);
    int result = run_hook(hook, f);
    signal(SIGPIPE, SIG_DFL);
    return result;
}

int op_hook(struct run *run, struct reader *payload, struct failure *f)
{
    struct hook hook = read_hook(run, payload);
    return payload_done(payload, f) < 0 ? -1 : perform_hook(&hook, f);
}

int op_poststart(struct run *run, struct reader *payload, struct failure *f)
{
    struct hook hook = read_hook(run, payload);
    if (payload_done(payload, f) < 0)
        return -1;
    struct hook *more = realloc(run->poststart, (run->poststart_count + 1) * sizeof(*more));
    if (more == NULL)
        return fail_errno(f, ENOMEM, "keep a hook");
    run->poststart = more;
    run->poststart[run->poststart_count++] = hook;
    return 0;
}

int start_poststart_hooks(struct run *run, struct failure *f)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return fail_errno(f, errno, "run poststart hooks");
    pid_t pid = fork();
    if (pid != 0) {
        int error = errno;
        close(pair[1]);
        if (pid > 0)
            return pair[0];
        close(pair[0]);
        return fail_errno(f, error, "run poststart hooks");
    }
    struct failure why;
    struct run own = {.channel = pair[1]};
    close(pair[0]);
    for (uint32_t i = 0; i < run->poststart_count; i++) {
        if (perform_hook(&run->poststart[i], &why) < 0) {
            channel_send_failure(&own, &why);
            _exit(1);
        }
    }
    _exit(0);
}

int op_poststop(struct run *run, struct reader *payload, struct failure *f)
{
    struct failure why;
    struct hook hook = read_hook(run, payload);
    char **argv = read_list(payload);
    if (payload_done(payload, f) < 0)
        return -1;
    if (perform_hook(&hook, &why) == 0)
        return 0;
    pid_t pid = fork();
    if (pid == 0) {
        become_report(argv, &why, f);
        channel_send_failure(run, &why);
        _exit(1);
    }
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return 0;
}

int op_runtime_hooks(struct run *run, struct reader *payload, struct failure *f)
{
    if (payload_done(payload, f) < 0)
        return -1;
    if (channel_send_hooks(run, f) < 0)
        return -1;
    return channel_wait(run, CHANNEL_RESUME, f);
}
