// SPDX-License-Identifier: Apache-2.0
/*
 * An enclave runtime without an enclave, as small as one can be: version 2 of the PAL API. Its only
 * programs are `say WORDS...` and `wait`, which a signal ends. Where an enclave would be created,
 * entered and removed, a comment says so.
 */
#define ENCLAVE_RUNTIME_PAL_VERSION 2
#include <enclave_runtime_pal.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_PROCESSES 16

struct process {
    bool used;
    bool waits;
    int signal; /* that has been sent to it, 0 for none */
    int out;
    char text[1024];
};

static struct process processes[MAX_PROCESSES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

int pal_get_version(void)
{
    return 2;
}

int pal_init(pal_attr_v1_t *attr)
{
    /* Here the enclave is created; its files are in the working directory. */
    fprintf(stderr, "example: arguments `%s`, log level %s\n", attr->args, attr->log_level);
    return 0;
}

int pal_create_process(pal_create_process_args *args)
{
    const char *program = args->argv[0];
    bool waits = strcmp(program, "wait") == 0;
    if (!waits && strcmp(program, "say") != 0)
        return -ENOENT;
    pthread_mutex_lock(&lock);
    int slot = 0;
    while (slot < MAX_PROCESSES && processes[slot].used)
        slot++;
    if (slot == MAX_PROCESSES) {
        pthread_mutex_unlock(&lock);
        return -EAGAIN;
    }
    struct process *process = &processes[slot];
    *process = (struct process){.used = true, .waits = waits};
    /* Nothing of `args` lives longer than this call: copied, and the stream duplicated. */
    process->out = dup(args->stdio->stdout);
    size_t length = 0;
    for (const char **word = args->argv + 1; *word != NULL; word++) {
        int written = snprintf(process->text + length, sizeof process->text - length, "%s%s",
                               length == 0 ? "" : " ", *word);
        length += (size_t)written;
        if (length >= sizeof process->text)
            break; /* cut short */
    }
    pthread_mutex_unlock(&lock);
    *args->pid = slot + 1;
    return 0;
}

int pal_exec(pal_exec_args *args)
{
    if (args->pid < 1 || args->pid > MAX_PROCESSES)
        return -ESRCH;
    struct process *process = &processes[args->pid - 1];
    /* Here the enclave is entered; calls for several processes overlap, each on its own thread. */
    pthread_mutex_lock(&lock);
    while (process->waits && process->signal == 0)
        pthread_cond_wait(&changed, &lock);
    int signal = process->signal;
    pthread_mutex_unlock(&lock);
    if (!process->waits)
        dprintf(process->out, "%s\n", process->text);
    close(process->out);
    *args->exit_value = signal == 0 ? 0 : 128 + signal;
    pthread_mutex_lock(&lock);
    process->used = false;
    pthread_mutex_unlock(&lock);
    return 0;
}

int pal_kill(int pid, int sig)
{
    pthread_mutex_lock(&lock);
    for (int slot = 0; slot < MAX_PROCESSES; slot++) {
        if (processes[slot].used && (pid == -1 || pid == slot + 1))
            processes[slot].signal = sig;
    }
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return 0;
}

int pal_destroy(void)
{
    /* Here the enclave is removed. */
    return 0;
}
