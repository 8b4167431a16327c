// SPDX-License-Identifier: Apache-2.0
#include "processes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"
#include "run.h"
#include "skeleton/output.h"

/* What a child finds its gate at, behind the standard streams: a socket to its parent. */
#define GATE_FD 3
#define EXIT_ABANDONED 1
#define SIGNAL_EXIT_BASE 128

struct process {
    struct process *next;
    pid_t pid;
    int gate; /* the child says here that it is loaded, and is told here to run */
    bool running;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct process *processes;

static int start_child(struct process *process, const pal_create_process_args *args, bool debug);
static _Noreturn void child(int gate, const pal_create_process_args *args, bool debug);
static void take_descriptors(int gate, const pal_stdio_fds *stdio);
static void reset_signals(void);
static int receive_result(int gate);
static struct process *find(pid_t pid);
static int exit_value_of(const siginfo_t *info);
static void reap(struct process *process);

int process_create(const pal_create_process_args *args, bool debug)
{
    struct process *process = calloc(1, sizeof(*process));
    if (process == NULL)
        return -ENOMEM;
    int result = start_child(process, args, debug);
    if (result < 0) {
        free(process);
        return result;
    }
    result = receive_result(process->gate);
    if (result < 0) {
        kill(process->pid, SIGKILL);
        reap(process);
        return result;
    }
    pthread_mutex_lock(&lock);
    process->next = processes;
    processes = process;
    pthread_mutex_unlock(&lock);
    *args->pid = process->pid;
    return 0;
}

int process_run(int pid, int *exit_value)
{
    pthread_mutex_lock(&lock);
    struct process *process = find(pid);
    int result = process == NULL ? -ESRCH : process->running ? -EBUSY : 0;
    if (result == 0) {
        process->running = true;
        /* A child that was killed meanwhile has closed its end; its status says so. */
        send(process->gate, "", 1, MSG_NOSIGNAL);
    }
    pthread_mutex_unlock(&lock);
    if (result < 0)
        return result;

    /* Not reaped yet: until it is off the list, its pid must not become somebody else's. */
    siginfo_t info = {0};
    while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0) {
        if (errno == EINTR)
            continue;
        return -errno;
    }
    pthread_mutex_lock(&lock);
    struct process **link = &processes;
    while (*link != NULL && (*link)->pid != pid)
        link = &(*link)->next;
    process = *link;
    if (process != NULL)
        *link = process->next;
    pthread_mutex_unlock(&lock);
    if (process == NULL)
        return -ESRCH; /* pal_destroy was faster */
    *exit_value = exit_value_of(&info);
    reap(process);
    return 0;
}

int process_kill(int pid, int signal)
{
    if (signal < 0 || signal >= NSIG || (pid <= 0 && pid != -1))
        return -EINVAL;
    pthread_mutex_lock(&lock);
    int result = pid == -1 ? 0 : -ESRCH;
    for (struct process *process = processes; process != NULL; process = process->next) {
        if (pid == -1 || process->pid == pid)
            result = kill(process->pid, signal) < 0 ? -errno : 0;
    }
    pthread_mutex_unlock(&lock);
    return result;
}

void process_end_all(void)
{
    pthread_mutex_lock(&lock);
    while (processes != NULL) {
        struct process *process = processes;
        processes = process->next;
        kill(process->pid, SIGKILL);
        reap(process);
    }
    pthread_mutex_unlock(&lock);
}

static int start_child(struct process *process, const pal_create_process_args *args, bool debug)
{
    int gate[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, gate) < 0)
        return -errno;
    /* Until the child has dropped the host's handlers, none of them may run in it. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0)
        child(gate[1], args, debug);
    int error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(gate[1]);
    if (pid < 0) {
        close(gate[0]);
        return -error;
    }
    process->pid = pid;
    process->gate = gate[0];
    return 0;
}

/* The host has threads: from here on only calls that are safe after fork(). */
static _Noreturn void child(int gate, const pal_create_process_args *args, bool debug)
{
    struct loaded loaded;
    char byte;
    take_descriptors(gate, args->stdio);
    int result = enclave_load(args->path, debug, &loaded);
    send(GATE_FD, &result, sizeof(result), MSG_NOSIGNAL);
    ssize_t count;
    do {
        count = result < 0 ? 0 : recv(GATE_FD, &byte, 1, 0);
    } while (count < 0 && errno == EINTR);
    if (count != 1)
        _exit(EXIT_ABANDONED);
    close(GATE_FD);
    reset_signals();
    _exit(enclave_run(&loaded, args->argv, args->env));
}

/* The payload's streams and its gate, and nothing else. */
static void take_descriptors(int gate, const pal_stdio_fds *stdio)
{
    const int given[] = {stdio->stdin, stdio->stdout, stdio->stderr, gate};
    int moved[GATE_FD + 1];
    for (int i = 0; i <= GATE_FD; i++)
        moved[i] = fcntl(given[i], F_DUPFD_CLOEXEC, GATE_FD + 1);
    for (int i = 0; i <= GATE_FD; i++) {
        if (moved[i] < 0 || dup2(moved[i], i) < 0)
            close(i);
    }
    syscall(SYS_close_range, GATE_FD + 1, UINT_MAX, 0);
}

/* Default effects; but a write to nobody is the program's error, not its end. */
static void reset_signals(void)
{
    for (int signal = 1; signal < NSIG; signal++)
        sigaction(signal, &(struct sigaction){.sa_handler = signal == SIGPIPE ? SIG_IGN : SIG_DFL},
                  NULL);
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
}

/* What enclave_load() answered in the child. */
static int receive_result(int gate)
{
    int result;
    ssize_t count;
    do {
        count = recv(gate, &result, sizeof(result), MSG_WAITALL);
    } while (count < 0 && errno == EINTR);
    return count == (ssize_t)sizeof(result) ? result : -ECHILD;
}

static struct process *find(pid_t pid)
{
    struct process *process = processes;
    while (process != NULL && process->pid != pid)
        process = process->next;
    return process;
}

static int exit_value_of(const siginfo_t *info)
{
    return info->si_code == CLD_EXITED ? info->si_status : SIGNAL_EXIT_BASE + info->si_status;
}

/* Precondition: it is on no list. */
static void reap(struct process *process)
{
    close(process->gate);
    while (waitpid(process->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    free(process);
}
