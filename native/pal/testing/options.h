// SPDX-License-Identifier: Apache-2.0
/* What steers a testing PAL: words `key=value` in the PAL's args, or in a payload's argv. */
#ifndef PAL_TESTING_OPTIONS_H
#define PAL_TESTING_OPTIONS_H

#include <stdbool.h>

/* Where to look: argv entries first, then the PAL's args. Either may be NULL. */
struct options {
    const char *args;
    char *const *argv;
};

/* The value of `key`, "" for the bare word; NULL when absent. In static memory of the thread. */
const char *option(const struct options *from, const char *key);
bool has_option(const struct options *from, const char *key);
/* The value as a number; `otherwise` when absent. */
int option_number(const struct options *from, const char *key, int otherwise);

#endif
