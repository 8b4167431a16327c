// SPDX-License-Identifier: Apache-2.0
#ifndef RUNELET_FILESYSTEM_H
#define RUNELET_FILESYSTEM_H

#include "failure.h"

/* A detached mount of a new instance; options are "key=value" or "flag", the last one NULL. */
int new_file_system(const char *type, const char *source, char **options, uint64_t attr,
                    struct failure *f);

/* Changes the instance that an O_PATH descriptor of a mount's root shows; `path` is for messages.
 */
int reconfigure_file_system(int target, char **options, const char *path, struct failure *f);

/* Attaches a detached mount on an O_PATH descriptor; closes the latter. */
int attach(int tree, int target, const char *path, struct failure *f);

#endif
