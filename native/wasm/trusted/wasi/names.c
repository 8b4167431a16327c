// SPDX-License-Identifier: Apache-2.0
/* path_* but path_open: what is done to names. */
#include "descriptors.h"
#include "heap.h"
#include "host.h"
#include "memory.h"
#include "plain_memory.h"
#include "tree.h"
#include "wasi/paths.h"
#include "wasi/stat.h"
#include "wasi/wasi.h"

/* A directory and a path in it. */
struct place {
    struct descriptor *directory;
    char path[PATH_MAX_LENGTH + 1];
};

static u32 place_get(u32 fd, u64 rights, u32 path, u32 path_len, struct place *place)
{
    u32 error;
    place->directory = descriptor_get(fd, rights, &error);
    if (place->directory == NULL)
        return error;
    if (place->directory->type != FILETYPE_DIRECTORY)
        return WASI_ENOTDIR;
    return path_get(path, path_len, place->path);
}

static bool in_tree(const struct place *place)
{
    return place->directory->kind == DESCRIPTOR_TREE_DIRECTORY;
}

/* A host call about one name: descriptor, length, two more arguments. */
static int64_t call_at(const struct place *place, enum host_operation operation, u64 third,
                       u64 fourth)
{
    path_put(0, place->path);
    return host_call(operation, (u64)place->directory->host, strlen(place->path), third, fourth,
                     ANSWER_NONE);
}

static u32 errno_of(int64_t result)
{
    return result < 0 ? wasi_errno(result) : WASI_SUCCESS;
}

u32 WASI(path_create_directory)(void *instance, u32 fd, u32 path, u32 path_len)
{
    (void)instance;
    struct place place;
    u32 error = place_get(fd, RIGHT_PATH_CREATE_DIRECTORY, path, path_len, &place);
    if (error != WASI_SUCCESS)
        return error;
    if (!in_tree(&place))
        return errno_of(call_at(&place, HOST_MAKE_DIRECTORY, 0, 0));
    char *full = path_in_tree(place.directory, place.path);
    error = full == NULL ? WASI_ENOMEM : tree_make_directory(place.directory->preopen, full);
    heap_free(full);
    return error;
}

static u32 remove_name(u32 fd, u64 right, u32 path, u32 path_len, bool is_directory)
{
    struct place place;
    u32 error = place_get(fd, right, path, path_len, &place);
    if (error != WASI_SUCCESS)
        return error;
    if (!in_tree(&place))
        return errno_of(call_at(&place, HOST_REMOVE, is_directory, 0));
    char *full = path_in_tree(place.directory, place.path);
    error = full == NULL ? WASI_ENOMEM : tree_remove(place.directory->preopen, full, is_directory);
    heap_free(full);
    return error;
}

u32 WASI(path_remove_directory)(void *instance, u32 fd, u32 path, u32 path_len)
{
    (void)instance;
    return remove_name(fd, RIGHT_PATH_REMOVE_DIRECTORY, path, path_len, true);
}

u32 WASI(path_unlink_file)(void *instance, u32 fd, u32 path, u32 path_len)
{
    (void)instance;
    return remove_name(fd, RIGHT_PATH_UNLINK_FILE, path, path_len, false);
}

u32 WASI(path_filestat_get)(void *instance, u32 fd, u32 flags, u32 path, u32 path_len, u32 stat)
{
    (void)instance;
    struct place place;
    u32 error = place_get(fd, RIGHT_PATH_FILESTAT_GET, path, path_len, &place);
    if (error != WASI_SUCCESS)
        return error;
    if (in_tree(&place)) {
        struct tree_stat found;
        char *full = path_in_tree(place.directory, place.path);
        error = full == NULL ? WASI_ENOMEM : tree_stat(place.directory->preopen, full, &found);
        heap_free(full);
        if (error != WASI_SUCCESS)
            return error;
        return put_tree_stat(stat, &found) ? WASI_SUCCESS : WASI_EFAULT;
    }
    error = errno_of(call_at(&place, HOST_STAT_AT, flags & LOOKUP_SYMLINK_FOLLOW, 0));
    if (error != WASI_SUCCESS)
        return error;
    struct host_stat found;
    host_get(&found, 0, sizeof(found));
    return put_host_stat(stat, &found) ? WASI_SUCCESS : WASI_EFAULT;
}

u32 WASI(path_filestat_set_times)(void *instance, u32 fd, u32 flags, u32 path, u32 path_len,
                                  u64 atim, u64 mtim, u32 fst_flags)
{
    (void)instance;
    struct place place;
    u32 error = place_get(fd, RIGHT_PATH_FILESTAT_SET_TIMES, path, path_len, &place);
    if (error != WASI_SUCCESS)
        return error;
    if (fst_flags > FST_ALL || (fst_flags & 3) == 3 || (fst_flags & 12) == 12)
        return WASI_EINVAL;
    if (in_tree(&place))
        return WASI_ENOTSUP;
    host_fifth(fst_flags | (u64)(flags & LOOKUP_SYMLINK_FOLLOW) << 8);
    return errno_of(call_at(&place, HOST_SET_TIMES_AT, atim, mtim));
}

/* Two places, in one call of the host's. */
static u32 call_at_both(const struct place *from, const struct place *to,
                        enum host_operation operation, u64 fifth)
{
    size_t second = path_put(0, from->path);
    path_put(second, to->path);
    host_fifth(fifth);
    return errno_of(host_call(operation, (u64)from->directory->host, strlen(from->path),
                              (u64)to->directory->host, strlen(to->path), ANSWER_NONE));
}

u32 WASI(path_rename)(void *instance, u32 fd, u32 old_path, u32 old_path_len, u32 new_fd,
                      u32 new_path, u32 new_path_len)
{
    (void)instance;
    struct place from, to;
    u32 error = place_get(fd, RIGHT_PATH_RENAME_SOURCE, old_path, old_path_len, &from);
    if (error == WASI_SUCCESS)
        error = place_get(new_fd, RIGHT_PATH_RENAME_TARGET, new_path, new_path_len, &to);
    if (error != WASI_SUCCESS)
        return error;
    if (!in_tree(&from) && !in_tree(&to))
        return call_at_both(&from, &to, HOST_RENAME, 0);
    if (from.directory->preopen != to.directory->preopen || !in_tree(&from) || !in_tree(&to))
        return WASI_EXDEV;
    char *old_full = path_in_tree(from.directory, from.path);
    char *new_full = path_in_tree(to.directory, to.path);
    error = old_full == NULL || new_full == NULL
                ? WASI_ENOMEM
                : tree_rename(from.directory->preopen, old_full, new_full);
    heap_free(old_full);
    heap_free(new_full);
    return error;
}

u32 WASI(path_link)(void *instance, u32 old_fd, u32 old_flags, u32 old_path, u32 old_path_len,
                    u32 new_fd, u32 new_path, u32 new_path_len)
{
    (void)instance;
    struct place from, to;
    u32 error = place_get(old_fd, RIGHT_PATH_LINK_SOURCE, old_path, old_path_len, &from);
    if (error == WASI_SUCCESS)
        error = place_get(new_fd, RIGHT_PATH_LINK_TARGET, new_path, new_path_len, &to);
    if (error != WASI_SUCCESS)
        return error;
    /* A protected file is bound to its one name. */
    if (in_tree(&from) || in_tree(&to))
        return WASI_ENOTSUP;
    return call_at_both(&from, &to, HOST_LINK, old_flags & LOOKUP_SYMLINK_FOLLOW);
}

u32 WASI(path_symlink)(void *instance, u32 old_path, u32 old_path_len, u32 fd, u32 new_path,
                       u32 new_path_len)
{
    (void)instance;
    struct place place;
    u32 error = place_get(fd, RIGHT_PATH_SYMLINK, new_path, new_path_len, &place);
    if (error != WASI_SUCCESS)
        return error;
    if (in_tree(&place))
        return WASI_ENOTSUP;
    /* The target is not followed here: only that it leads nowhere absolute is checked. */
    char target[PATH_MAX_LENGTH + 1];
    if (old_path_len > PATH_MAX_LENGTH)
        return WASI_ENAMETOOLONG;
    const char *given = guest(old_path, old_path_len);
    if (given == NULL)
        return WASI_EFAULT;
    memcpy(target, given, old_path_len);
    target[old_path_len] = '\0';
    if (strlen(target) != old_path_len)
        return WASI_EILSEQ;
    if (old_path_len == 0)
        return WASI_ENOENT;
    if (target[0] == '/')
        return WASI_ENOTCAPABLE;
    size_t second = path_put(0, target);
    path_put(second, place.path);
    return errno_of(host_call(HOST_SYMLINK, old_path_len, (u64)place.directory->host,
                              strlen(place.path), 0, ANSWER_NONE));
}

u32 WASI(path_readlink)(void *instance, u32 fd, u32 path, u32 path_len, u32 buf, u32 buf_len,
                        u32 used)
{
    (void)instance;
    struct place place;
    u32 error = place_get(fd, RIGHT_PATH_READLINK, path, path_len, &place);
    if (error != WASI_SUCCESS)
        return error;
    if (guest(used, 4) == NULL || guest(buf, buf_len) == NULL)
        return WASI_EFAULT;
    if (in_tree(&place))
        return WASI_EINVAL; /* there are no symbolic links in it */
    u32 most = buf_len < PATH_MAX_LENGTH ? buf_len : PATH_MAX_LENGTH;
    path_put(0, place.path);
    int64_t result =
        host_call(HOST_READ_LINK, (u64)place.directory->host, strlen(place.path), most, 0, most);
    if (result < 0)
        return wasi_errno(result);
    host_get(guest(buf, (u64)result), 0, (size_t)result);
    guest_put32(used, (u32)result);
    return WASI_SUCCESS;
}
