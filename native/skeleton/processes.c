// SPDX-License-Identifier: Apache-2.0
#include "processes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "output.h"

const char payload_message[] = "Enclave runtime skeleton initialization succeeded\n";

/* What a child finds its gate at, behind the standard streams. */
#define GATE_FD 3
/* The end of a payload whose host is gone. */
#define EXIT_ABANDONED 1
#define SIGNAL_EXIT_BASE 128

struct process {
    struct process *next; /* newer ones come later: pid 0 is the oldest */
    pid_t pid;
    int gate; /* one byte lets the child run; closing it ends the child */
    bool running;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct process *processes;

static int start_child(struct process *process, const pal_create_process_args *args);
static _Noreturn void child(int gate, const pal_create_process_args *args);
static void take_descriptors(int gate, const pal_stdio_fds *stdio);
static void reset_signals(void);
static bool wait_for_turn(void);
static void sleep_while_wanted(unsigned seconds);
static struct process *find(pid_t pid);
static int exit_value_of(const siginfo_t *info);
static void drop(struct process *process);

unsigned payload_seconds(const char *const argv[])
{
    for (int i = 0; argv[i] != NULL; i++) {
        if (strcmp(argv[i], "wait_timeout") != 0 || argv[i + 1] == NULL)
            continue;
        long seconds = strtol(argv[i + 1], NULL, 10);
        return seconds < 0 ? 0 : seconds > INT_MAX / 1000 ? INT_MAX / 1000 : (unsigned)seconds;
    }
    return 0;
}

int process_create(const pal_create_process_args *args)
{
    struct process *process = calloc(1, sizeof(*process));
    if (process == NULL)
        return -ENOMEM;
    pthread_mutex_lock(&lock);
    int result = start_child(process, args);
    if (result < 0) {
        free(process);
    } else {
        struct process **end = &processes;
        while (*end != NULL)
            end = &(*end)->next;
        *end = process;
        *args->pid = process->pid;
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int process_run(int pid, int *exit_value)
{
    pthread_mutex_lock(&lock);
    struct process *process = find(pid);
    int result = process == NULL ? -ESRCH : process->running ? -EBUSY : 0;
    if (result == 0) {
        process->running = true;
        /* A child that was killed meanwhile has closed its end; its status says so. */
        output_write(process->gate, "", 1);
    }
    pthread_mutex_unlock(&lock);
    if (result < 0)
        return result;

    /* Not reaped yet: until it is off the list, its pid must not become somebody else's. */
    siginfo_t info = {0};
    while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0) {
        if (errno == EINTR)
            continue;
        result = -errno;
        output_log(LOG_ERROR, "wait for process %d: %s", pid, strerror(errno));
        break;
    }
    pthread_mutex_lock(&lock);
    process = find(pid);
    if (process == NULL) {
        result = -ESRCH; /* pal_destroy was faster */
    } else {
        if (result == 0)
            *exit_value = exit_value_of(&info);
        drop(process);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int process_kill(int pid, int signal)
{
    if (signal < 0 || signal >= NSIG || pid < -1)
        return -EINVAL;
    pthread_mutex_lock(&lock);
    int result = pid == -1 ? 0 : -ESRCH;
    for (struct process *process = processes; process != NULL; process = process->next) {
        if (pid > 0 && process->pid != pid)
            continue;
        result = kill(process->pid, signal) < 0 ? -errno : 0;
        if (pid != -1)
            break;
    }
    pthread_mutex_unlock(&lock);
    return result;
}

void process_end_all(void)
{
    pthread_mutex_lock(&lock);
    while (processes != NULL) {
        kill(processes->pid, SIGKILL);
        drop(processes);
    }
    pthread_mutex_unlock(&lock);
}

static int start_child(struct process *process, const pal_create_process_args *args)
{
    int gate[2];
    if (pipe2(gate, O_CLOEXEC) < 0)
        return -errno;
    /* Until the child has dropped the host's handlers, none of them may run in it. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0)
        child(gate[0], args);
    int error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(gate[0]);
    if (pid < 0) {
        close(gate[1]);
        return -error;
    }
    process->pid = pid;
    process->gate = gate[1];
    return 0;
}

/* The host has threads: from here on only calls that are safe after fork(). */
static _Noreturn void child(int gate, const pal_create_process_args *args)
{
    unsigned seconds = payload_seconds(args->argv);
    take_descriptors(gate, args->stdio);
    reset_signals();
    if (!wait_for_turn())
        _exit(EXIT_ABANDONED);
    sleep_while_wanted(seconds);
    output_write(STDERR_FILENO, payload_message, strlen(payload_message));
    _exit(0);
}

/* The payload's streams and its gate, and nothing else: the host's descriptors are not the
 * payload's. */
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
    if (syscall(SYS_close_range, GATE_FD + 1, UINT_MAX, 0) == 0)
        return;
    /* A seccomp profile older than the call forbids it. */
    struct rlimit limit = {.rlim_cur = 65536};
    getrlimit(RLIMIT_NOFILE, &limit);
    for (rlim_t fd = GATE_FD + 1; fd < limit.rlim_cur && fd < INT_MAX; fd++)
        close((int)fd);
}

static void reset_signals(void)
{
    for (int signal = 1; signal < NSIG; signal++)
        sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
}

static bool wait_for_turn(void)
{
    char byte;
    ssize_t count;
    do {
        count = read(GATE_FD, &byte, 1);
    } while (count < 0 && errno == EINTR);
    return count == 1;
}

/* Sleeps, but ends with the host, of whose death a closed gate tells. */
static void sleep_while_wanted(unsigned seconds)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t end_ms = now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000 + seconds * INT64_C(1000);
    for (;;) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        int64_t left_ms = end_ms - (now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000);
        if (left_ms <= 0)
            return;
        struct pollfd gate = {.fd = GATE_FD};
        if (poll(&gate, 1, (int)left_ms) > 0)
            _exit(EXIT_ABANDONED);
    }
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

/* Reaps a process that has ended, or is about to, and forgets it. Precondition: the lock is held.
 */
static void drop(struct process *process)
{
    close(process->gate);
    while (waitpid(process->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    struct process **link = &processes;
    while (*link != process)
        link = &(*link)->next;
    *link = process->next;
    free(process);
}
