// SPDX-License-Identifier: Apache-2.0
/* Starting and becoming a program with descriptors that came under other numbers. */
#include "planner.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1u << 2)
#endif

/* Gets the descriptor out of the way of the one that is to have its number. */
static int move(int *fd)
{
    int moved = fcntl(*fd, F_DUPFD_CLOEXEC, PLANNER_FIRST_OWN);
    if (moved < 0)
        return -1;
    *fd = moved; /* the old one is overwritten at once */
    return 0;
}

/* All get their numbers, close-on-exec; `guarded` is moved if one of them is its own. */
static int place(struct brought *brought, int *guarded)
{
    for (size_t i = 0; i < brought->count; i++) {
        int number = brought->number[i];
        for (size_t j = i + 1; j < brought->count; j++) {
            if (brought->fd[j] == number && move(&brought->fd[j]) < 0)
                return -1;
        }
        if (guarded != NULL && *guarded == number && move(guarded) < 0)
            return -1;
        if (brought->fd[i] != number && dup3(brought->fd[i], number, O_CLOEXEC) < 0)
            return -1;
    }
    return 0;
}

/* Returns only when it fails. */
static void execute(const struct program *program, struct brought *brought, int *guarded)
{
    if (syscall(SYS_close_range, 3, UINT_MAX, CLOSE_RANGE_CLOEXEC) < 0 ||
        place(brought, guarded) < 0)
        return;
    for (size_t i = 0; i < program->count; i++) {
        if (fcntl((int)program->kept[i], F_SETFD, 0) < 0)
            return;
    }
    execve(program->path, program->argv, program->environment);
}

int program_start(const struct program *program, const struct brought *brought)
{
    /* The child has our memory until it is another program: what it changes there is its own. */
    static struct brought scratch;
    static volatile int failed;
    sigset_t none;
    sigemptyset(&none);
    scratch = *brought;
    failed = 0;
    pid_t pid = vfork();
    if (pid < 0)
        return -errno;
    if (pid == 0) {
        if (program->own_group)
            setpgid(0, 0);
        if (program->unblocked)
            sigprocmask(SIG_SETMASK, &none, NULL);
        execute(program, &scratch, NULL);
        failed = errno;
        _exit(127);
    }
    if (failed == 0)
        return pid;
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return -failed;
}

int program_become(const struct program *program, struct brought *brought, int *socket)
{
    execute(program, brought, socket);
    int error = errno;
    for (size_t i = 0; i < brought->count; i++) {
        if (brought->fd[i] != brought->number[i])
            close(brought->number[i]);
    }
    return -error;
}
