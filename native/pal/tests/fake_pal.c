// SPDX-License-Identifier: Apache-2.0
#include "fake_pal.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../agent.h"

int fake_kills, fake_last_signal;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t killed = PTHREAD_COND_INITIALIZER;
static int next_pid = 1;
static int next_code;
static bool waits;

static int create_process(pal_create_process_args *args)
{
    pthread_mutex_lock(&lock);
    *args->pid = next_pid++;
    waits = strcmp(args->argv[0], "wait") == 0;
    next_code = strncmp(args->argv[0], "code ", 5) == 0 ? atoi(args->argv[0] + 5) : 0;
    if (strcmp(args->argv[0], "fail") == 0)
        next_code = -ENOEXEC;
    fake_last_signal = 0;
    pthread_mutex_unlock(&lock);
    return strcmp(args->argv[0], "refuse") == 0 ? -ENOENT : 0;
}

static int exec(pal_exec_args *args)
{
    pthread_mutex_lock(&lock);
    while (waits && fake_last_signal != SIGKILL && fake_last_signal != SIGTERM)
        pthread_cond_wait(&killed, &lock);
    int code = next_code;
    *args->exit_value = waits ? 128 + fake_last_signal : code;
    pthread_mutex_unlock(&lock);
    return code < 0 ? code : 0;
}

static int kill_process(int pid, int sig)
{
    (void)pid;
    pthread_mutex_lock(&lock);
    fake_kills++;
    fake_last_signal = sig;
    pthread_cond_broadcast(&killed);
    pthread_mutex_unlock(&lock);
    return sig == SIGHUP ? -EINVAL : 0;
}

static int get_report(void *target, int target_size, void *data, int data_size, void *report,
                      int *size)
{
    (void)target, (void)target_size;
    memset(report, 1, PAL_REPORT_SIZE);
    memcpy((char *)report + 320, data, (size_t)data_size);
    *size = PAL_REPORT_SIZE;
    return 0;
}

static int get_local_report(void *target, int target_size, void *report, int *size)
{
    char data[PAL_REPORT_DATA_SIZE] = {0};
    return get_report(target, target_size, data, sizeof(data), report, size);
}

void fake_pal_init(struct pal *pal)
{
    *pal = (struct pal){.version = 3, .owner = getpid(), .state = PAL_RUNNING};
    strcpy(pal->name, "fake");
    pal->symbols.create_process = create_process;
    pal->symbols.exec.v2 = exec;
    pal->symbols.kill = kill_process;
    pal->symbols.get_local_report = get_local_report;
    pal->symbols.get_report_with_data = get_report;
    pthread_mutex_init(&pal->lock, NULL);
    pthread_cond_init(&pal->changed, NULL);
}

int count_fds(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;
    while (directory != NULL && readdir(directory) != NULL)
        count++;
    if (directory != NULL)
        closedir(directory);
    return count;
}

static void *serve(void *argument)
{
    struct served *served = argument;
    agent_serve_connection(served->pal, served->agent);
    return NULL;
}

void serve_start(struct served *served, struct pal *pal)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        abort();
    *served = (struct served){.pal = pal, .host = pair[0], .agent = pair[1]};
    if (pthread_create(&served->thread, NULL, serve, served) != 0)
        abort();
}

void serve_end(struct served *served)
{
    close(served->host);
    pthread_join(served->thread, NULL);
}
