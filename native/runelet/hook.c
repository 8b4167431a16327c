// SPDX-License-Identifier: Apache-2.0
/* OCI hooks that run inside the container. */
#include "operations.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct hook {
    const char *path;
    char **argv, **environment;
    const uint8_t *state;
    uint32_t state_size;
    uint32_t timeout_s;
};

static _Noreturn void become_hook(const struct hook *hook, int input, int output)
{
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

/*
 * Feeds the state and collects the first output until the process ends. False when the time is up.
 * Not until end of file: a hook may leave a daemon behind that holds the pipe.
 */
static bool attend(const struct hook *hook, int process, int input, int output, char *text,
                   size_t size)
{
    int64_t deadline = now_ms() + (int64_t)hook->timeout_s * 1000;
    size_t written = 0, used = 0;
    for (;;) {
        struct pollfd fds[3] = {{process, POLLIN, 0}, {output, POLLIN, 0}, {input, POLLOUT, 0}};
        int64_t left = deadline - now_ms();
        if (hook->timeout_s != 0 && left <= 0)
            return false;
        if (poll(fds, 3, hook->timeout_s != 0 ? (int)left : -1) < 0 && errno != EINTR)
            return false;
        if (fds[2].revents != 0) {
            ssize_t n = write(input, hook->state + written, hook->state_size - written);
            written += n > 0 ? (size_t)n : 0;
            if (n <= 0 || written == hook->state_size) {
                close(input);
                input = -1;
            }
        }
        if ((fds[1].revents & POLLIN) != 0) {
            char rest[512];
            ssize_t n = used + 1 < size ? read(output, text + used, size - 1 - used)
                                        : read(output, rest, sizeof(rest));
            if (n > 0 && used + 1 < size)
                used += (size_t)n;
            text[used] = 0;
            continue;
        }
        if (fds[0].revents != 0) {
            if (input >= 0)
                close(input);
            return true;
        }
    }
}

static int run_hook(const struct hook *hook, struct failure *f)
{
    char text[400] = "", reason[480];
    int input[2], output[2];
    if (pipe2(input, O_CLOEXEC) < 0 || pipe2(output, O_CLOEXEC) < 0)
        return fail_errno(f, errno, "run hook `%s`", hook->path);
    pid_t pid = fork();
    if (pid < 0)
        return fail_errno(f, errno, "run hook `%s`", hook->path);
    if (pid == 0)
        become_hook(hook, input[0], output[1]);
    close(input[0]);
    close(output[1]);
    fcntl(input[1], F_SETFL, O_NONBLOCK);
    int process = (int)syscall(SYS_pidfd_open, pid, 0);
    bool in_time = attend(hook, process, input[1], output[0], text, sizeof(text));
    if (!in_time)
        kill(pid, SIGKILL);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    close(process);
    close(output[0]);
    if (in_time && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (!in_time)
        snprintf(reason, sizeof(reason), "no end within %u s", hook->timeout_s);
    else if (WIFEXITED(status))
        snprintf(reason, sizeof(reason), "exit status %d: %s", WEXITSTATUS(status), text);
    else
        snprintf(reason, sizeof(reason), "signal %d: %s", WTERMSIG(status), text);
    return fail_code(f, FAILURE_SYSCALL, reason, "run hook `%s`", hook->path);
}

int op_hook(struct run *run, struct reader *payload, struct failure *f)
{
    (void)run;
    struct hook hook = {.timeout_s = read_u32(payload)};
    hook.path = read_string(payload, NULL);
    hook.argv = read_list(payload);
    hook.environment = read_list(payload);
    hook.state = read_bytes(payload, &hook.state_size);
    if (payload_done(payload, f) < 0)
        return -1;
    /* A hook that closes its standard input early must not end this process. */
    signal(SIGPIPE, SIG_IGN);
    int result = run_hook(&hook, f);
    signal(SIGPIPE, SIG_DFL);
    return result;
}
