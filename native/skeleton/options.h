// SPDX-License-Identifier: Apache-2.0
/* The PAL's arguments: words separated by spaces, of which unknown ones are ignored. */
#ifndef SKELETON_OPTIONS_H
#define SKELETON_OPTIONS_H

#include <stdbool.h>

struct options {
    bool debug;      /* creates the enclave with DEBUG, and logs what it is doing */
    bool no_sgx_flc; /* the processor has no flexible launch control */
    bool kvm;        /* asks for the original's virtual machine backend */
};

/* `args` may be NULL. */
struct options options_parse(const char *args);

#endif
