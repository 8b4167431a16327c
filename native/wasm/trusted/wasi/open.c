// SPDX-License-Identifier: Apache-2.0
/* path_open. */
#include "descriptors.h"
#include "heap.h"
#include "host.h"
#include "memory.h"
#include "plain_memory.h"
#include "tree.h"
#include "wasi/paths.h"
#include "wasi/wasi.h"

struct request {
    u32 oflags, fdflags;
    u64 base, inheriting;
    bool follow;
};

static u32 open_plain(struct descriptor *directory, const char *path, const struct request *want,
                      u32 *number);
static u32 open_in_tree(struct descriptor *directory, const char *path, const struct request *want,
                        u32 *number);

static bool wants_to_write(const struct request *want)
{
    return want->base & (RIGHT_FD_WRITE | RIGHT_FD_ALLOCATE | RIGHT_FD_FILESTAT_SET_SIZE);
}

u32 WASI(path_open)(void *instance, u32 fd, u32 dirflags, u32 path, u32 path_len, u32 oflags,
                    u64 base, u64 inheriting, u32 fdflags, u32 opened)
{
    (void)instance;
    char name[PATH_MAX_LENGTH + 1];
    u32 error, number;
    u64 rights = RIGHT_PATH_OPEN | ((oflags & OFLAGS_CREAT) ? RIGHT_PATH_CREATE_FILE : 0) |
                 ((oflags & OFLAGS_TRUNC) ? RIGHT_PATH_FILESTAT_SET_SIZE : 0);
    struct descriptor *directory = descriptor_get(fd, rights, &error);
    if (directory == NULL)
        return error;
    if (directory->type != FILETYPE_DIRECTORY)
        return WASI_ENOTDIR;
    if (oflags > 15 || (fdflags & ~(u32)FDFLAGS_ALL) || dirflags > LOOKUP_SYMLINK_FOLLOW)
        return WASI_EINVAL;
    if ((error = path_get(path, path_len, name)) != WASI_SUCCESS)
        return error;
    if (guest(opened, 4) == NULL)
        return WASI_EFAULT;
    /*
     * Programs ask for more than they need: wasi-libc for all that a file may have. What the
     * directory does not pass on is left out, but writing and reading are refused.
     */
    if (base & ~directory->inheriting & (RIGHT_FD_READ | RIGHT_FD_WRITE))
        return WASI_ENOTCAPABLE;
    const struct request want = {oflags, fdflags, base & directory->inheriting,
                                 inheriting & directory->inheriting,
                                 dirflags & LOOKUP_SYMLINK_FOLLOW};
    error = directory->kind == DESCRIPTOR_TREE_DIRECTORY
                ? open_in_tree(directory, name, &want, &number)
                : open_plain(directory, name, &want, &number);
    if (error == WASI_SUCCESS)
        guest_put32(opened, number);
    return error;
}

static u32 open_plain(struct descriptor *directory, const char *path, const struct request *want,
                      u32 *number)
{
    static const struct {
        u32 ours, hosts;
    } oflags[] = {{OFLAGS_CREAT, HOST_OPEN_CREATE},
                  {OFLAGS_DIRECTORY, HOST_OPEN_DIRECTORY},
                  {OFLAGS_EXCL, HOST_OPEN_EXCLUSIVE},
                  {OFLAGS_TRUNC, HOST_OPEN_TRUNCATE}},
      fdflags[] = {{FDFLAGS_APPEND, HOST_OPEN_APPEND},
                   {FDFLAGS_DSYNC, HOST_OPEN_DSYNC},
                   {FDFLAGS_NONBLOCK, HOST_OPEN_NONBLOCK},
                   {FDFLAGS_RSYNC, HOST_OPEN_SYNC},
                   {FDFLAGS_SYNC, HOST_OPEN_SYNC}};
    u64 flags = want->follow ? HOST_OPEN_FOLLOW : 0;
    for (size_t i = 0; i < sizeof(oflags) / sizeof(oflags[0]); i++)
        flags |= (want->oflags & oflags[i].ours) ? oflags[i].hosts : 0;
    for (size_t i = 0; i < sizeof(fdflags) / sizeof(fdflags[0]); i++)
        flags |= (want->fdflags & fdflags[i].ours) ? fdflags[i].hosts : 0;
    if (wants_to_write(want) && !(want->oflags & OFLAGS_DIRECTORY))
        flags |= HOST_OPEN_WRITE;
    if ((want->base & (RIGHT_FD_READ | RIGHT_FD_READDIR)) || !(flags & HOST_OPEN_WRITE))
        flags |= HOST_OPEN_READ;

    path_put(0, path);
    int64_t host =
        host_call(HOST_OPEN_AT, (u64)directory->host, strlen(path), flags, 0, ANSWER_DESCRIPTOR);
    if (host < 0)
        return wasi_errno(host);
    struct host_stat stat = {0};
    if (host_call(HOST_STAT, (u64)host, 0, 0, 0, ANSWER_NONE) == 0)
        host_get(&stat, 0, sizeof(stat));
    uint8_t type = filetype_of_mode(stat.mode);
    u64 rights = want->base;
    if (type == FILETYPE_DIRECTORY)
        rights &= ~(RIGHT_FD_READ | RIGHT_FD_WRITE | RIGHT_FD_SEEK | RIGHT_FD_TELL);
    return descriptor_add_host((int32_t)host, type, (uint16_t)want->fdflags, rights,
                               want->inheriting, number);
}

static u32 open_in_tree(struct descriptor *directory, const char *path, const struct request *want,
                        u32 *number)
{
    char *full = path_in_tree(directory, path);
    if (full == NULL)
        return WASI_ENOMEM;
    struct preopen *preopen = directory->preopen;
    struct descriptor made = {.flags = (uint16_t)want->fdflags,
                              .rights = want->base,
                              .inheriting = want->inheriting,
                              .preopen = preopen,
                              .host = -1};
    struct tree_stat stat;
    u32 error = tree_stat(preopen, full, &stat);
    bool is_directory = error == WASI_SUCCESS && stat.type == FILETYPE_DIRECTORY;
    if (is_directory && (want->oflags & (OFLAGS_CREAT | OFLAGS_TRUNC))) {
        error = (want->oflags & OFLAGS_EXCL) ? WASI_EEXIST : WASI_EISDIR;
    } else if (is_directory) {
        made.kind = DESCRIPTOR_TREE_DIRECTORY;
        made.type = FILETYPE_DIRECTORY;
        made.path = full;
    } else if (want->oflags & OFLAGS_DIRECTORY) {
        error = error == WASI_SUCCESS ? WASI_ENOTDIR : error;
    } else {
        made.kind = DESCRIPTOR_TREE_FILE;
        made.type = FILETYPE_REGULAR_FILE;
        error = tree_open_file(preopen, full, want->oflags, &made.file);
    }
    if (error == WASI_SUCCESS) {
        struct descriptor *descriptor = descriptor_take(number);
        if (descriptor != NULL) {
            *descriptor = made;
            if (!is_directory)
                heap_free(full);
            return WASI_SUCCESS;
        }
        error = WASI_EMFILE;
        if (made.kind == DESCRIPTOR_TREE_FILE)
            tree_file_release(made.file);
    }
    heap_free(full);
    return error;
}
