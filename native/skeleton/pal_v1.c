// SPDX-License-Identifier: Apache-2.0
/* liberpal-skeleton-v1.so: version 1, which is told from the others by lacking pal_get_version. */
#define ENCLAVE_RUNTIME_PAL_VERSION 1
#include "enclave_runtime_pal.h"

#include "runtime.h"

int pal_init(pal_attr_v1_t *attr)
{
    return runtime_init(attr, -1, 0);
}

/* `path` and argv[0] may be anything: the payload is the PAL's own. */
int pal_exec(char *path, char *argv[], pal_stdio_fds *stdio, int *exit_code)
{
    (void)path;
    return runtime_run_inline(argv, stdio, exit_code);
}

int pal_destroy(void)
{
    return runtime_destroy();
}
