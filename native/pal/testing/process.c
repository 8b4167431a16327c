// SPDX-License-Identifier: Apache-2.0
/*
 * Payloads of versions 2 and 3: forked children that wait at a pipe until pal_exec, so that pids,
 * signals and wait statuses are real; or the thread that calls pal_exec.
 */
#include "testing.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES_MAX 128
#define FIRST_THREAD_PID 100000

struct process {
    bool used;
    bool is_thread;
    int pid;     /* the kernel's, or FIRST_THREAD_PID and up */
    int gate;    /* process: write end; a byte lets the child go on */
    int pending; /* thread: the signal it got, or 0 */
    struct options options;
    char **argv; /* thread: copies, because the caller's end with pal_create_process */
    char **environment;
    int in, out;
};

static struct process processes[PROCESSES_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int next_thread_pid = FIRST_THREAD_PID;

static struct process *take_slot(void)
{
    struct process *found = NULL;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < PROCESSES_MAX && found == NULL; i++)
        if (!processes[i].used)
            found = &processes[i];
    if (found != NULL)
        *found = (struct process){.used = true};
    pthread_mutex_unlock(&lock);
    return found;
}

static struct process *find(int pid)
{
    for (int i = 0; i < PROCESSES_MAX; i++)
        if (processes[i].used && processes[i].pid == pid)
            return &processes[i];
    return NULL;
}

static char **copy_list(const char **list)
{
    size_t count = 0;
    while (list != NULL && list[count] != NULL)
        count++;
    char **copy = calloc(count + 1, sizeof(*copy));
    for (size_t i = 0; copy != NULL && i < count; i++)
        copy[i] = strdup(list[i]);
    return copy;
}

static void free_list(char **list)
{
    for (char **at = list; at != NULL && *at != NULL; at++)
        free(*at);
    free(list);
}

static _Noreturn void child(const int gate[2], const struct process *process)
{
    char byte;
    close(gate[1]);
    if (read(gate[0], &byte, 1) != 1)
        _exit(126);
    _exit(payload_main(&process->options, process->environment, process->in, process->out));
}

static int create_child(struct process *process)
{
    int gate[2];
    if (pipe(gate) < 0)
        return -errno;
    process->pid = fork();
    if (process->pid == 0)
        child(gate, process);
    close(gate[0]);
    process->gate = gate[1];
    if (process->pid < 0) {
        close(gate[1]);
        return -EAGAIN;
    }
    return 0;
}

int payload_create(const pal_create_process_args *args)
{
    struct process *process = take_slot();
    if (process == NULL)
        return -EAGAIN;
    process->argv = copy_list(args->argv);
    process->environment = copy_list(args->env);
    process->options = (struct options){pal_args, process->argv};
    process->in = args->stdio->stdin;
    process->out = args->stdio->stdout;
    const char *kind = option(&process->options, "payload");
    process->is_thread = kind != NULL && strcmp(kind, "thread") == 0;
    int result = 0;
    pthread_mutex_lock(&lock);
    if (process->is_thread)
        process->pid = next_thread_pid++;
    else
        result = create_child(process);
    pthread_mutex_unlock(&lock);
    *args->pid = process->pid;
    return result;
}

/* A thread cannot die of a signal: it looks whether it got one every now and then. */
static int run_thread(struct process *process)
{
    int left = option_number(&process->options, "exec-sleep", 0);
    for (; left > 0; left -= 10) {
        pthread_mutex_lock(&lock);
        int pending = process->pending;
        pthread_mutex_unlock(&lock);
        if (pending != 0 && pending != option_number(&process->options, "exec-ignore", 0))
            return pending;
        sleep_ms(10);
    }
    if (has_option(&process->options, "exec-print"))
        payload_main(&(struct options){"exec-print", process->argv}, process->environment,
                     process->in, process->out);
    return option_number(&process->options, "exec-status", 0) << 8;
}

static int run_child(const struct process *process)
{
    int status = 0;
    if (write(process->gate, "", 1) != 1)
        return 126 << 8;
    while (waitpid(process->pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return status;
}

/* `status` is a wait(2) status here. */
static int stored_value(const struct options *options, int status)
{
    const char *style = option(options, "status");
    if (has_option(options, "exec-value"))
        return option_number(options, "exec-value", 0);
    if (style != NULL && strcmp(style, "wait") == 0)
        return status;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int payload_run(int pid, int *exit_value)
{
    pthread_mutex_lock(&lock);
    struct process *process = find(pid);
    pthread_mutex_unlock(&lock);
    if (process == NULL)
        return -ESRCH;
    int status = process->is_thread ? run_thread(process) : run_child(process);
    if (status >= 0)
        *exit_value = stored_value(&process->options, status);
    int result = status < 0 ? status : 0;
    if (!process->is_thread)
        close(process->gate);
    pthread_mutex_lock(&lock);
    free_list(process->argv);
    free_list(process->environment);
    process->used = false;
    pthread_mutex_unlock(&lock);
    return result;
}

static int kill_one(struct process *process, int sig)
{
    if (!process->is_thread)
        return kill(process->pid, sig) < 0 ? -errno : 0;
    process->pending = sig;
    return 0;
}

int payload_kill(int pid, int sig)
{
    int result = pid == -1 ? 0 : -ESRCH;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < PROCESSES_MAX; i++)
        if (processes[i].used && (pid == -1 || processes[i].pid == pid))
            result = kill_one(&processes[i], sig);
    pthread_mutex_unlock(&lock);
    return result;
}
