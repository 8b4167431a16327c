// SPDX-License-Identifier: Apache-2.0
#include "runtime.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "enclave.h"
#include "launch.h"
#include "options.h"
#include "output.h"
#include "processes.h"

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* on CLOCK_MONOTONIC, from the first pal_init on */
    bool has_condition;
    bool started;
    unsigned destroyed; /* how often; wakes version 1's payloads */
    struct enclave enclave;
} runtime = {.lock = PTHREAD_MUTEX_INITIALIZER, .enclave = {.fd = -1}};

static int start(const struct options *options, int fd, uint64_t address);
static int greet(void);
static void prepare_condition(void);
static int require_started(void);

int runtime_init(const pal_attr_v1_t *attr, int fd, uint64_t address)
{
    struct options options = options_parse(attr != NULL ? attr->args : NULL);
    output_set_level(attr != NULL ? attr->log_level : NULL);
    if (options.debug)
        output_set_debug();
    if (options.kvm) {
        output_log(LOG_ERROR, "`backend-kvm` is not supported");
        return -ENOSYS;
    }
    if (options.no_sgx_flc)
        output_log(LOG_WARNING, "`no-sgx-flc`: launch tokens are not supported, trying without");
    pthread_mutex_lock(&runtime.lock);
    int result = runtime.started ? -EEXIST : start(&options, fd, address);
    pthread_mutex_unlock(&runtime.lock);
    return result;
}

int runtime_run_inline(char *argv[], const pal_stdio_fds *stdio, int *exit_code)
{
    if (argv == NULL || stdio == NULL || exit_code == NULL)
        return -EINVAL;
    pthread_mutex_lock(&runtime.lock);
    int result = runtime.started ? 0 : -EPERM;
    if (result == 0) {
        unsigned generation = runtime.destroyed;
        struct timespec end;
        clock_gettime(CLOCK_MONOTONIC, &end);
        end.tv_sec += payload_seconds((const char *const *)argv);
        int wait = 0;
        while (wait != ETIMEDOUT && runtime.destroyed == generation)
            wait = pthread_cond_timedwait(&runtime.changed, &runtime.lock, &end);
        if (runtime.destroyed != generation)
            result = -ECANCELED;
    }
    pthread_mutex_unlock(&runtime.lock);
    if (result < 0)
        return result;
    output_write(stdio->stderr, payload_message, strlen(payload_message));
    *exit_code = 0;
    return 0;
}

int runtime_create_process(const pal_create_process_args *args)
{
    if (args == NULL || args->path == NULL || args->argv == NULL || args->stdio == NULL ||
        args->pid == NULL)
        return -EINVAL;
    int result = require_started();
    return result < 0 ? result : process_create(args);
}

int runtime_run_process(const pal_exec_args *args)
{
    if (args == NULL || args->exit_value == NULL)
        return -EINVAL;
    int result = require_started();
    return result < 0 ? result : process_run(args->pid, args->exit_value);
}

int runtime_kill(int pid, int signal)
{
    int result = require_started();
    return result < 0 ? result : process_kill(pid, signal);
}

int runtime_report(const void *targetinfo, int targetinfo_len, const void *report_data,
                   int report_data_len, void *report, int *report_len)
{
    static const uint8_t zero[PAL_REPORT_DATA_SIZE];
    if (targetinfo == NULL || targetinfo_len != PAL_TARGETINFO_SIZE || report == NULL ||
        report_len == NULL || *report_len < PAL_REPORT_SIZE ||
        (report_data != NULL && report_data_len != PAL_REPORT_DATA_SIZE))
        return -EINVAL;
    pthread_mutex_lock(&runtime.lock);
    int result = -EPERM;
    if (runtime.started) {
        result = enclave_report(&runtime.enclave, targetinfo,
                                report_data != NULL ? report_data : zero, report);
    }
    pthread_mutex_unlock(&runtime.lock);
    if (result == 0)
        *report_len = PAL_REPORT_SIZE;
    return result;
}

int runtime_destroy(void)
{
    pthread_mutex_lock(&runtime.lock);
    int result = runtime.started ? 0 : -EPERM;
    if (result == 0) {
        runtime.started = false;
        runtime.destroyed++;
        pthread_cond_broadcast(&runtime.changed);
        process_end_all();
        enclave_close(&runtime.enclave);
    }
    pthread_mutex_unlock(&runtime.lock);
    return result;
}

static int start(const struct options *options, int fd, uint64_t address)
{
    prepare_condition();
    int result = 0;
    if (fd >= 0)
        runtime.enclave = (struct enclave){.fd = fd, .tcs = address};
    else
        result = enclave_launch(options->debug, &runtime.enclave);
    if (result == 0) {
        result = greet();
        if (result < 0 && fd < 0)
            enclave_close(&runtime.enclave);
    }
    runtime.started = result == 0;
    return result;
}

static int greet(void)
{
    char greeting[GREETING_SIZE];
    int result = enclave_hello(&runtime.enclave, greeting);
    if (result < 0)
        return result;
    char line[GREETING_SIZE + 1];
    int length = snprintf(line, sizeof(line), "%s\n", greeting);
    output_write(STDOUT_FILENO, line, (size_t)length);
    return 0;
}

static void prepare_condition(void)
{
    if (runtime.has_condition)
        return;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&runtime.changed, &attributes);
    pthread_condattr_destroy(&attributes);
    runtime.has_condition = true;
}

static int require_started(void)
{
    pthread_mutex_lock(&runtime.lock);
    bool started = runtime.started;
    pthread_mutex_unlock(&runtime.lock);
    return started ? 0 : -EPERM;
}
