// SPDX-License-Identifier: Apache-2.0
/* A tmpfs that takes over something of the directory it hides. */
#include "copy.h"
#include "filesystem.h"
#include "kernel.h"
#include "operations.h"
#include "resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum takes { TAKES_MODE = 1, TAKES_CONTENT = 2 };

/* The options and one more; from malloc, the strings stay where they are. */
static char **with_option(char **options, char *first)
{
    size_t count = 0;
    while (options[count] != NULL)
        count++;
    char **more = calloc(count + 2, sizeof(*more));
    if (more == NULL)
        return NULL;
    more[0] = first;
    for (size_t i = 0; i < count; i++)
        more[i + 1] = options[i];
    return more;
}

static int fill(const struct run *run, int mount, const char *path, struct failure *f)
{
    int from = open_in_root(run, path, O_RDONLY | O_DIRECTORY);
    if (from < 0)
        return fail_errno(f, errno, "open `%s` in the root", path);
    int copied = copy_directory(from, mount, path, f);
    close(from);
    return copied;
}

static int make(const struct run *run, int hidden, const char *source, char **options,
                const char *path, bool content, struct failure *f)
{
    int mount = new_file_system("tmpfs", source, options, 0, f);
    if (mount >= 0 && hidden >= 0 && content && fill(run, mount, path, f) < 0) {
        close(mount);
        return -1;
    }
    return mount;
}

int op_tmpfs(struct run *run, struct reader *payload, struct failure *f)
{
    char mode[16];
    const char *source = read_string(payload, NULL);
    char **options = read_list(payload);
    struct mount_attr_v0 attr = {.attr_set = read_u64(payload), .propagation = read_u64(payload)};
    /* All of the field must be cleared where a bit of it is set: mount_setattr(2). */
    attr.attr_clr = (attr.attr_set & MOUNT_ATTR__ATIME_) != 0 ? MOUNT_ATTR__ATIME_ : 0;
    const char *path = read_string(payload, NULL);
    uint32_t takes = read_u32(payload);
    if (payload_done(payload, f) < 0) {
        free(options);
        return -1;
    }
    struct stat st;
    /* What is made here has nothing to take. */
    int hidden = open_in_root(run, path, O_PATH | O_DIRECTORY);
    if (hidden >= 0 && fstat(hidden, &st) == 0 && (takes & TAKES_MODE) != 0) {
        snprintf(mode, sizeof(mode), "mode=%o", st.st_mode & 07777);
        char **more = with_option(options, mode);
        free(options);
        options = more;
    }
    int mount = options == NULL
                    ? fail_errno(f, ENOMEM, "mount on `%s`", path)
                    : make(run, hidden, source, options, path, (takes & TAKES_CONTENT) != 0, f);
    free(options);
    if (hidden >= 0)
        close(hidden);
    if (mount < 0)
        return -1;
    int result = sys_mount_setattr(mount, "", AT_EMPTY_PATH, &attr) < 0
                     ? fail_errno(f, errno, "set the mount attributes of `%s`", path)
                     : 0;
    int target = result < 0 ? -1 : target_in_root(run, path, false, true, f);
    result = target < 0 ? -1 : attach(mount, target, path, f);
    close(mount);
    return result;
}
