// SPDX-License-Identifier: Apache-2.0
#include "wasi/paths.h"

#include "heap.h"
#include "host.h"
#include "memory.h"
#include "plain_memory.h"
#include "wasi/wasi.h"

/* The length of the part that starts here. */
static size_t part_length(const char *path)
{
    size_t length = 0;
    while (path[length] != '\0' && path[length] != '/')
        length++;
    return length;
}

static bool is_dots(const char *part, size_t length, size_t count)
{
    return length == count && memcmp(part, "..", count) == 0;
}

u32 path_get(u32 at, u32 length, char to[PATH_MAX_LENGTH + 1])
{
    if (length > PATH_MAX_LENGTH)
        return WASI_ENAMETOOLONG;
    const char *place = guest(at, length);
    if (place == NULL)
        return WASI_EFAULT;
    memcpy(to, place, length);
    to[length] = '\0';
    if (length == 0)
        return WASI_ENOENT;
    if (strlen(to) != length)
        return WASI_EILSEQ;
    if (to[0] == '/')
        return WASI_ENOTCAPABLE;
    size_t depth = 0;
    for (const char *part = to; *part != '\0';) {
        size_t size = part_length(part);
        if (is_dots(part, size, 2)) {
            if (depth-- == 0)
                return WASI_ENOTCAPABLE;
        } else if (size > 0 && !is_dots(part, size, 1)) {
            depth++;
        }
        part += size;
        part += *part == '/';
    }
    return WASI_SUCCESS;
}

char *path_in_tree(const struct descriptor *directory, const char *path)
{
    size_t start = strlen(directory->path), end = start;
    char *joined = heap_allocate(start + strlen(path) + 2);
    if (joined == NULL)
        return NULL;
    memcpy(joined, directory->path, start);
    for (const char *part = path; *part != '\0';) {
        size_t size = part_length(part);
        if (is_dots(part, size, 2)) {
            while (end > start && joined[end - 1] != '/')
                end--;
            end -= end > start;
        } else if (size > 0 && !is_dots(part, size, 1)) {
            if (end > 0)
                joined[end++] = '/';
            memcpy(joined + end, part, size);
            end += size;
        }
        part += size;
        part += *part == '/';
    }
    joined[end] = '\0';
    return joined;
}

size_t path_put(size_t offset, const char *path)
{
    size_t size = strlen(path) + 1;
    host_put(offset, path, size);
    return offset + ((size + 7) & ~(size_t)7);
}
