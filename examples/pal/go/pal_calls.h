// SPDX-License-Identifier: Apache-2.0
/* What pal.go and pal.c tell one another. */
#ifndef PAL_CALLS_H
#define PAL_CALLS_H

/* Only the types: cgo must not see the prototypes of what pal.c defines as pal.go's. */
#undef ENCLAVE_RUNTIME_PAL_VERSION
#include <enclave_runtime_pal.h>

/* A macro of stdio.h's name is no member that Go could write. */
static inline int stdout_of(const pal_create_process_args *args)
{
    return args->stdio->stdout;
}

#endif
