// SPDX-License-Identifier: Apache-2.0
/* File system instances through fsopen(2) and fspick(2), with what the file system says about them.
 */
#include "filesystem.h"

#include "kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Adds what the file system said about a failure, "e <text>" lines, to the reason. */
static int fail_context(struct failure *f, int context, int error, const char *type,
                        const char *doing)
{
    char log[256];
    fail_errno(f, error, "%s `%s`", doing, type);
    ssize_t n = read(context, log, sizeof(log) - 1);
    if (n > 2) {
        log[log[n - 1] == '\n' ? n - 1 : n] = 0;
        size_t used = strlen(f->reason);
        snprintf(f->reason + used, sizeof(f->reason) - used, " (%s)", log + 2);
    }
    close(context);
    return -1;
}

static int set_options(int context, char **options, const char **failed)
{
    for (; *options != NULL; options++) {
        char *equals = strchr(*options, '=');
        *failed = *options;
        long set;
        if (equals == NULL) {
            set = syscall(SYS_fsconfig, context, FSCONFIG_SET_FLAG_, *options, NULL, 0);
        } else {
            char *key = strndup(*options, (size_t)(equals - *options));
            set = syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING_, key, equals + 1, 0);
            free(key);
        }
        if (set < 0)
            return -1;
    }
    return 0;
}

static int configure(int context, const char *source, char **options, const char **failed)
{
    *failed = source;
    if (source[0] != 0 &&
        syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING_, "source", source, 0) < 0)
        return -1;
    return set_options(context, options, failed);
}

int new_file_system(const char *type, const char *source, char **options, uint64_t attr,
                    struct failure *f)
{
    char doing[256];
    const char *failed = NULL;
    int context = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC_);
    if (context < 0)
        return fail_errno(f, errno, "open file system type `%s`", type);
    if (configure(context, source, options, &failed) < 0) {
        snprintf(doing, sizeof(doing), "set option `%.200s` of", failed);
        return fail_context(f, context, errno, type, doing);
    }
    if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE_, NULL, NULL, 0) < 0)
        return fail_context(f, context, errno, type, "create file system");
    int mount = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC_, (unsigned)attr);
    if (mount < 0)
        return fail_context(f, context, errno, type, "mount file system");
    close(context);
    return mount;
}

int reconfigure_file_system(int target, char **options, const char *path, struct failure *f)
{
    char doing[256];
    const char *failed = NULL;
    int context = (int)syscall(SYS_fspick, target, "", FSPICK_CLOEXEC_ | FSPICK_EMPTY_PATH_);
    if (context < 0)
        return fail_errno(f, errno, "remount `%s`", path);
    if (set_options(context, options, &failed) < 0) {
        snprintf(doing, sizeof(doing), "set option `%.200s` of", failed);
        return fail_context(f, context, errno, path, doing);
    }
    if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_RECONFIGURE_, NULL, NULL, 0) < 0)
        return fail_context(f, context, errno, path, "remount");
    close(context);
    return 0;
}
