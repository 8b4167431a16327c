// SPDX-License-Identifier: Apache-2.0
/* liberpal-wasm.so: version 3 of the PAL API, whose functions are version 2's and more. */
#define ENCLAVE_RUNTIME_PAL_VERSION 3
#include "enclave_runtime_pal.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

#include "load.h"
#include "processes.h"
#include "processor.h"
#include "run.h"
#include "skeleton/device.h"
#include "skeleton/options.h"
#include "skeleton/output.h"

#include <unistd.h>

static struct {
    pthread_mutex_t lock;
    bool started;
    bool debug;
    char image[PATH_MAX];   /* of the first payload: the container's own */
    struct loaded reporter; /* an instance of it that only makes reports */
} runtime = {.lock = PTHREAD_MUTEX_INITIALIZER, .reporter = {.fd = -1}};

static int require_started(void);
static int make_report(void *targetinfo, int targetinfo_len, const void *data, int data_len,
                       void *report, int *report_len);

int pal_get_version(void)
{
    return ENCLAVE_RUNTIME_PAL_VERSION;
}

/* The image is known at start; what can be seen before is whether processor and platform will do.
 */
int pal_init(pal_attr_v3_t *attr)
{
    struct options options = options_parse(attr != NULL ? attr->attr_v1.args : NULL);
    output_set_level(attr != NULL ? attr->attr_v1.log_level : NULL);
    pthread_mutex_lock(&runtime.lock);
    int result = runtime.started ? -EEXIST : processor_check(cpuid_of_processor, 0);
    if (result == 0) {
        int fd = device_open();
        result = fd < 0 ? fd : close(fd);
    }
    if (result == 0) {
        runtime.started = true;
        runtime.debug = options.debug;
    }
    pthread_mutex_unlock(&runtime.lock);
    return result;
}

int pal_create_process(pal_create_process_args *args)
{
    if (args == NULL || args->path == NULL || args->argv == NULL || args->env == NULL ||
        args->stdio == NULL || args->pid == NULL)
        return -EINVAL;
    int result = require_started();
    if (result == 0)
        result = process_create(args, runtime.debug);
    if (result < 0)
        return result;
    pthread_mutex_lock(&runtime.lock);
    if (runtime.image[0] == '\0' && strlen(args->path) < sizeof(runtime.image))
        strcpy(runtime.image, args->path);
    pthread_mutex_unlock(&runtime.lock);
    return 0;
}

int pal_exec(pal_exec_args *args)
{
    if (args == NULL || args->exit_value == NULL)
        return -EINVAL;
    int result = require_started();
    return result < 0 ? result : process_run(args->pid, args->exit_value);
}

int pal_kill(int pid, int sig)
{
    int result = require_started();
    return result < 0 ? result : process_kill(pid, sig);
}

int pal_get_local_report(void *targetinfo, int targetinfo_len, void *report, int *report_len)
{
    static const uint8_t zero[PAL_REPORT_DATA_SIZE];
    return make_report(targetinfo, targetinfo_len, zero, sizeof(zero), report, report_len);
}

int pal_get_report_with_data(void *targetinfo, int targetinfo_len, void *report_data,
                             int report_data_len, void *report, int *report_len)
{
    return make_report(targetinfo, targetinfo_len, report_data, report_data_len, report,
                       report_len);
}

int pal_destroy(void)
{
    pthread_mutex_lock(&runtime.lock);
    int result = runtime.started ? 0 : -EPERM;
    if (result == 0) {
        runtime.started = false;
        process_end_all();
        enclave_unload(&runtime.reporter);
        runtime.image[0] = '\0';
    }
    pthread_mutex_unlock(&runtime.lock);
    return result;
}

static int require_started(void)
{
    pthread_mutex_lock(&runtime.lock);
    bool started = runtime.started;
    pthread_mutex_unlock(&runtime.lock);
    return started ? 0 : -EPERM;
}

/* The payload's enclave is another process's: an instance of the same image answers here. */
static int make_report(void *targetinfo, int targetinfo_len, const void *data, int data_len,
                       void *report, int *report_len)
{
    if (targetinfo == NULL || targetinfo_len != PAL_TARGETINFO_SIZE || data == NULL ||
        data_len != PAL_REPORT_DATA_SIZE || report == NULL || report_len == NULL ||
        *report_len < PAL_REPORT_SIZE)
        return -EINVAL;
    pthread_mutex_lock(&runtime.lock);
    int result = runtime.started && runtime.image[0] != '\0' ? 0 : -EPERM;
    if (result == 0 && runtime.reporter.fd < 0)
        result = enclave_load(runtime.image, runtime.debug, &runtime.reporter);
    if (result == 0)
        result = enclave_make_report(&runtime.reporter, targetinfo, data, report);
    pthread_mutex_unlock(&runtime.lock);
    if (result == 0)
        *report_len = PAL_REPORT_SIZE;
    return result;
}
