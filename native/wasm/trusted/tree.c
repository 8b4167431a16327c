// SPDX-License-Identifier: Apache-2.0
#include "tree.h"

#include "heap.h"
#include "protected.h"
#include "plain_memory.h"
#include "trusted_files.h"
#include "wasi/wasi.h"

/* A file's room grows by this much more than is needed. */
enum { GROWTH = 4096 };

static struct tree_file *open_files;

static bool is_trusted(const struct preopen *preopen)
{
    return preopen->mode == PREOPEN_TRUSTED;
}

static bool is_equal(const char *left, const char *right)
{
    size_t length = strlen(left);
    return length == strlen(right) && memcmp(left, right, length) == 0;
}

static struct tree_file *find_open(const struct preopen *preopen, const char *path)
{
    for (struct tree_file *file = open_files; file != NULL; file = file->next) {
        if (!file->is_removed && file->preopen == preopen && is_equal(file->path, path))
            return file;
    }
    return NULL;
}

static char *copy_of(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = heap_allocate(size);
    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

static u32 load(struct preopen *preopen, const char *path, uint8_t **data, u64 *size)
{
    return is_trusted(preopen) ? trusted_load(preopen, path, data, size)
                               : protected_load(preopen, path, data, size);
}

static u32 type_of(struct preopen *preopen, const char *path, uint8_t *type)
{
    if (find_open(preopen, path) != NULL) {
        *type = FILETYPE_REGULAR_FILE;
        return WASI_SUCCESS;
    }
    return is_trusted(preopen) ? trusted_type(preopen, path, type)
                               : protected_type(preopen, path, type);
}

/* A file that is not open yet: read, or made. */
static u32 fill(struct tree_file *file, u32 oflags)
{
    u32 error = load(file->preopen, file->path, &file->data, &file->size);
    file->room = file->size;
    if (error == WASI_ENOENT && (oflags & OFLAGS_CREAT)) {
        /* Written at once, so that the name is there, and what cannot be made is known now. */
        return protected_store(file->preopen, file->path, NULL, 0);
    }
    if (error == WASI_SUCCESS && (oflags & OFLAGS_CREAT) && (oflags & OFLAGS_EXCL))
        return WASI_EEXIST;
    return error;
}

u32 tree_open_file(struct preopen *preopen, const char *path, u32 oflags, struct tree_file **opened)
{
    if (is_trusted(preopen) && (oflags & (OFLAGS_CREAT | OFLAGS_TRUNC)))
        return WASI_EROFS;
    struct tree_file *file = find_open(preopen, path);
    if (file != NULL && (oflags & OFLAGS_CREAT) && (oflags & OFLAGS_EXCL))
        return WASI_EEXIST;
    if (file == NULL) {
        file = heap_allocate(sizeof(*file));
        char *own_path = copy_of(path);
        if (file == NULL || own_path == NULL) {
            heap_free(file);
            heap_free(own_path);
            return WASI_ENOMEM;
        }
        file->preopen = preopen;
        file->path = own_path;
        u32 error = fill(file, oflags);
        if (error != WASI_SUCCESS) {
            heap_free(file->data);
            heap_free(file->path);
            heap_free(file);
            return error;
        }
        file->next = open_files;
        open_files = file;
    }
    file->references++;
    if ((oflags & OFLAGS_TRUNC) && file->size > 0) {
        file->size = 0;
        file->is_dirty = true;
    }
    *opened = file;
    return WASI_SUCCESS;
}

u32 tree_file_sync(struct tree_file *file)
{
    if (!file->is_dirty || file->is_removed)
        return WASI_SUCCESS;
    u32 error = protected_store(file->preopen, file->path, file->data, file->size);
    if (error == WASI_SUCCESS)
        file->is_dirty = false;
    return error;
}

u32 tree_file_release(struct tree_file *file)
{
    if (--file->references > 0)
        return WASI_SUCCESS;
    u32 error = tree_file_sync(file);
    struct tree_file **link = &open_files;
    while (*link != file)
        link = &(*link)->next;
    *link = file->next;
    heap_free(file->data);
    heap_free(file->path);
    heap_free(file);
    return error;
}

u32 tree_file_set_size(struct tree_file *file, u64 size)
{
    if (is_trusted(file->preopen))
        return WASI_EROFS;
    if (size > file->room) {
        u64 room;
        if (__builtin_add_overflow(size, size / 2 + GROWTH, &room))
            return WASI_EFBIG;
        uint8_t *data = heap_resize(file->data, room);
        if (data == NULL) {
            room = size;
            data = heap_resize(file->data, room);
        }
        if (data == NULL)
            return WASI_EFBIG;
        file->data = data;
        file->room = room;
    }
    if (size < file->size)
        memset(file->data + size, 0, file->size - size);
    file->size = size;
    file->is_dirty = true;
    return WASI_SUCCESS;
}

u32 tree_file_write(struct tree_file *file, u64 position, const void *from, size_t size)
{
    u64 end;
    if (is_trusted(file->preopen))
        return WASI_EROFS;
    if (__builtin_add_overflow(position, size, &end))
        return WASI_EFBIG;
    if (size == 0)
        return WASI_SUCCESS;
    if (end > file->size) {
        u32 error = tree_file_set_size(file, end);
        if (error != WASI_SUCCESS)
            return error;
    }
    memcpy(file->data + position, from, size);
    file->is_dirty = true;
    return WASI_SUCCESS;
}

size_t tree_file_read(const struct tree_file *file, u64 position, void *to, size_t size)
{
    if (position >= file->size)
        return 0;
    u64 left = file->size - position;
    size_t part = left < size ? (size_t)left : size;
    memcpy(to, file->data + position, part);
    return part;
}

u32 tree_stat(struct preopen *preopen, const char *path, struct tree_stat *stat)
{
    *stat = (struct tree_stat){0};
    u32 error = type_of(preopen, path, &stat->type);
    if (error != WASI_SUCCESS || stat->type != FILETYPE_REGULAR_FILE)
        return error;
    const struct tree_file *file = find_open(preopen, path);
    if (file != NULL) {
        stat->size = file->size;
        return WASI_SUCCESS;
    }
    /* Only what has been checked has a size: the host's word for it is worth nothing. */
    uint8_t *data = NULL;
    error = load(preopen, path, &data, &stat->size);
    heap_free(error == WASI_SUCCESS ? data : NULL);
    return error;
}

u32 tree_make_directory(struct preopen *preopen, const char *path)
{
    if (is_trusted(preopen))
        return WASI_EROFS;
    return path[0] == '\0' ? WASI_EEXIST : protected_make_directory(preopen, path);
}

u32 tree_remove(struct preopen *preopen, const char *path, bool is_directory)
{
    if (is_trusted(preopen))
        return WASI_EROFS;
    if (path[0] == '\0')
        return WASI_EBUSY;
    u32 error = protected_remove(preopen, path, is_directory);
    struct tree_file *file = find_open(preopen, path);
    if (error == WASI_SUCCESS && file != NULL)
        file->is_removed = true;
    return error;
}

u32 tree_rename(struct preopen *preopen, const char *from, const char *to)
{
    uint8_t type, *data = NULL;
    u64 size = 0;
    if (is_trusted(preopen))
        return WASI_EROFS;
    u32 error = type_of(preopen, from, &type);
    if (error != WASI_SUCCESS)
        return error;
    /* Every name below it is bound to its whole path. */
    if (type == FILETYPE_DIRECTORY)
        return WASI_ENOTSUP;
    if (is_equal(from, to))
        return WASI_SUCCESS;
    error = type_of(preopen, to, &type);
    if (error == WASI_SUCCESS && type == FILETYPE_DIRECTORY)
        return WASI_EISDIR;
    if (error != WASI_SUCCESS && error != WASI_ENOENT)
        return error;
    struct tree_file *file = find_open(preopen, from);
    char *path = copy_of(to);
    error = path == NULL ? WASI_ENOMEM : WASI_SUCCESS;
    if (error == WASI_SUCCESS && file == NULL)
        error = protected_load(preopen, from, &data, &size);
    /* The new name first: a crash leaves both, not neither. */
    if (error == WASI_SUCCESS)
        error = protected_store(preopen, to, file == NULL ? data : file->data,
                                file == NULL ? size : file->size);
    if (error == WASI_SUCCESS)
        error = protected_remove(preopen, from, false);
    if (error == WASI_SUCCESS) {
        struct tree_file *replaced = find_open(preopen, to);
        if (replaced != NULL)
            replaced->is_removed = true;
        if (file != NULL) {
            heap_free(file->path);
            file->path = path;
            file->is_dirty = false;
            path = NULL;
        }
    }
    heap_free(path);
    heap_free(data);
    return error;
}

u32 tree_list(struct preopen *preopen, const char *path, char **names, size_t *size)
{
    return is_trusted(preopen) ? trusted_list(preopen, path, names, size)
                               : protected_list(preopen, path, names, size);
}

bool tree_write_all(void)
{
    bool ok = true;
    for (struct tree_file *file = open_files; file != NULL; file = file->next)
        ok &= tree_file_sync(file) == WASI_SUCCESS;
    return ok;
}
