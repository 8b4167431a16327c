// SPDX-License-Identifier: Apache-2.0
/*
 * Paths of the container: always resolved below run->root with RESOLVE_IN_ROOT, so that links and
 * ".." of an image cannot name anything of the host (CVE-2021-30465 and its kin).
 */
#ifndef RUNELET_RESOLVE_H
#define RUNELET_RESOLVE_H

#include "plan.h"

/* Opens an existing path in the root; -1 with errno set. */
int open_in_root(const struct run *run, const char *path, int flags);

/* An O_PATH descriptor of a directory, or with `file` of a file, made if it is missing. */
int make_in_root(const struct run *run, const char *path, bool file, struct failure *f);

/*
 * As make_in_root, for something to be mounted on: where `links` is false no link may be on the
 * way, and where it is true none may lead into a procfs or to /proc, where what is mounted would
 * answer for the kernel (CVE-2019-16884, CVE-2019-19921, CVE-2023-27561).
 */
int target_in_root(const struct run *run, const char *path, bool file, bool links,
                   struct failure *f);

/* An O_PATH descriptor of the directory that is to hold the last component, which *base points to.
 */
int parent_in_root(const struct run *run, const char *path, const char **base, struct failure *f);

#endif
