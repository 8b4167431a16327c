// SPDX-License-Identifier: Apache-2.0
/*
 * liberpal-gramine.so: version 2 of the PAL API, for Gramine. The argument of pal_init is what
 * gramine-sgx is called with, "app": app.manifest.sgx and app.sig lie in the working directory,
 * where the carrier puts them. gramine-sgx is the image's, as Gramine's own files are, which the
 * manifest measures.
 */
#define ENCLAVE_RUNTIME_PAL_VERSION 2
#include "enclave_runtime_pal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SIGNAL_EXIT_BASE 128
#define EXIT_NOT_STARTED 127
#define NAME_BYTES 128
/* Behind the standard streams of the child. */
#define GATE_FD 3

static const char *const places[] = {"/usr/bin/gramine-sgx", "/usr/local/bin/gramine-sgx"};

/* Gramine runs one program, which the manifest names: there is one process, once. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char name[NAME_BYTES];
static const char *program;
static pid_t child_pid;
static int gate = -1; /* a byte lets the child run; closing it ends the child */
static bool reaped;

static int fail(int error, const char *subject)
{
    dprintf(STDERR_FILENO, "gramine: %s: %s\n", subject, strerror(error));
    return -error;
}

int pal_get_version(void)
{
    return ENCLAVE_RUNTIME_PAL_VERSION;
}

static int require(const char *suffix)
{
    char file[NAME_BYTES + 16];
    snprintf(file, sizeof(file), "%s%s", name, suffix);
    return access(file, R_OK) < 0 ? fail(errno, file) : 0;
}

int pal_init(pal_attr_v1_t *attr)
{
    const char *args = attr->args == NULL ? "" : attr->args;
    size_t length = strlen(args);
    /* A name in the working directory: the container's program must not choose another manifest by
     * a path. */
    if (length == 0 || length >= sizeof(name) || strpbrk(args, " /") != NULL)
        return fail(EINVAL, "expected one argument, the name of the manifest");
    memcpy(name, args, length + 1);
    int result = require(".manifest.sgx");
    if (result == 0)
        result = require(".sig");
    if (result < 0)
        return result;
    for (size_t i = 0; program == NULL && i < sizeof(places) / sizeof(places[0]); i++)
        if (access(places[i], X_OK) == 0)
            program = places[i];
    return program == NULL ? fail(ENOENT, "gramine-sgx is not in the image") : 0;
}

/* The host has threads: only calls that are safe after fork(). */
static _Noreturn void child(int gate_end, const pal_create_process_args *args)
{
    const int given[] = {args->stdio->stdin, args->stdio->stdout, args->stdio->stderr, gate_end};
    int moved[GATE_FD + 1];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int i = 0; i <= GATE_FD; i++)
        moved[i] = fcntl(given[i], F_DUPFD_CLOEXEC, GATE_FD + 1);
    for (int i = 0; i <= GATE_FD; i++)
        if (moved[i] < 0 || dup2(moved[i], i) < 0)
            _exit(EXIT_NOT_STARTED);
    /* Where a profile older than the call forbids it, what is left is close-on-exec: pal-api.md,
     * "Children". */
    syscall(SYS_close_range, GATE_FD + 1, UINT_MAX, 0);
    for (int number = 1; number < NSIG; number++)
        sigaction(number, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    char byte;
    ssize_t count;
    do {
        count = read(GATE_FD, &byte, 1);
    } while (count < 0 && errno == EINTR);
    if (count != 1)
        _exit(EXIT_NOT_STARTED);
    close(GATE_FD);
    /* Not the program's arguments: those in the manifest hold, and others would be refused. */
    char *const argv[] = {(char *)program, name, NULL};
    execve(program, argv, (char *const *)args->env);
    static const char message[] = "gramine: gramine-sgx cannot be executed\n";
    if (write(STDERR_FILENO, message, sizeof(message) - 1) < 0)
        _exit(EXIT_NOT_STARTED);
    _exit(EXIT_NOT_STARTED);
}

static int start(const pal_create_process_args *args)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    /* Until the child has dropped the host's handlers, none of them may run in it. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0)
        child(ends[0], args);
    int error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(ends[0]);
    if (pid < 0) {
        close(ends[1]);
        return -error;
    }
    child_pid = pid;
    gate = ends[1];
    return 0;
}

int pal_create_process(pal_create_process_args *args)
{
    pthread_mutex_lock(&lock);
    int result = child_pid == 0 ? start(args) : -ENOTSUP;
    if (result == 0)
        *args->pid = child_pid;
    pthread_mutex_unlock(&lock);
    return result == -ENOTSUP ? fail(ENOTSUP, "Gramine runs the manifest's program, and no other")
                              : result;
}

/* A child that was killed meanwhile has closed its end; its status says so, and nobody needs the
 * signal. */
static void open_gate(void)
{
    sigset_t pipe, before;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    if (write(gate, "", 1) < 0 && errno == EPIPE)
        sigtimedwait(&pipe, NULL, &(struct timespec){0});
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

int pal_exec(pal_exec_args *args)
{
    pthread_mutex_lock(&lock);
    bool known = args->pid == child_pid && gate >= 0;
    if (known) {
        open_gate();
        close(gate);
        gate = -1;
    }
    pthread_mutex_unlock(&lock);
    if (!known)
        return -ESRCH;
    siginfo_t info = {0};
    while (waitid(P_PID, (id_t)args->pid, &info, WEXITED | WNOWAIT) < 0)
        if (errno != EINTR)
            return -errno;
    *args->exit_value =
        info.si_code == CLD_EXITED ? info.si_status : SIGNAL_EXIT_BASE + info.si_status;
    return 0;
}

int pal_kill(int pid, int number)
{
    pthread_mutex_lock(&lock);
    bool lives = child_pid > 0 && !reaped && (pid == -1 || pid == child_pid);
    int result = lives ? (kill(child_pid, number) < 0 ? -errno : 0) : pid == -1 ? 0 : -ESRCH;
    pthread_mutex_unlock(&lock);
    return result;
}

int pal_destroy(void)
{
    pthread_mutex_lock(&lock);
    if (child_pid > 0 && !reaped) {
        kill(child_pid, SIGKILL);
        while (waitpid(child_pid, NULL, 0) < 0 && errno == EINTR)
            ;
        reaped = true;
    }
    pthread_mutex_unlock(&lock);
    return 0;
}
