// SPDX-License-Identifier: Apache-2.0
/* liberpal-skeleton-v3.so: version 3 of the PAL API. */
#define ENCLAVE_RUNTIME_PAL_VERSION 3
#include "enclave_runtime_pal.h"

#include <errno.h>
#include <stddef.h>

#include "runtime.h"

int pal_get_version(void)
{
    return ENCLAVE_RUNTIME_PAL_VERSION;
}

int pal_init(pal_attr_v3_t *attr)
{
    if (attr == NULL)
        return runtime_init(NULL, -1, 0);
    return runtime_init(&attr->attr_v1, attr->fd, attr->addr);
}

int pal_create_process(pal_create_process_args *args)
{
    return runtime_create_process(args);
}

int pal_exec(pal_exec_args *args)
{
    return runtime_run_process(args);
}

int pal_kill(int pid, int sig)
{
    return runtime_kill(pid, sig);
}

int pal_get_local_report(void *targetinfo, int targetinfo_len, void *report, int *report_len)
{
    return runtime_report(targetinfo, targetinfo_len, NULL, 0, report, report_len);
}

int pal_get_report_with_data(void *targetinfo, int targetinfo_len, void *report_data,
                             int report_data_len, void *report, int *report_len)
{
    if (report_data == NULL)
        return -EINVAL;
    return runtime_report(targetinfo, targetinfo_len, report_data, report_data_len, report,
                          report_len);
}

int pal_destroy(void)
{
    return runtime_destroy();
}
