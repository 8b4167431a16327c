// SPDX-License-Identifier: Apache-2.0
/* liberpal-skeleton-v2.so: version 2 of the PAL API. */
#define ENCLAVE_RUNTIME_PAL_VERSION 2
#include "enclave_runtime_pal.h"

#include "runtime.h"

int pal_get_version(void)
{
    return ENCLAVE_RUNTIME_PAL_VERSION;
}

int pal_init(pal_attr_v1_t *attr)
{
    return runtime_init(attr, -1, 0);
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

int pal_destroy(void)
{
    return runtime_destroy();
}
