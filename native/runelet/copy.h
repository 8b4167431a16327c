// SPDX-License-Identifier: Apache-2.0
#ifndef RUNELET_COPY_H
#define RUNELET_COPY_H

#include "failure.h"

/*
 * Copies a directory's content, owner and times, with all below it: directories, files, links,
 * nodes and fifos (no sockets), their owners, modes, times and extended attributes. The source may
 * be hostile and change meanwhile: nothing is followed, other file systems are not entered, and a
 * nesting of more than 128 is refused. `path` is for messages.
 */
int copy_directory(int from, int to, const char *path, struct failure *f);

#endif
