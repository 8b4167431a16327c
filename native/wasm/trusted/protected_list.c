// SPDX-License-Identifier: Apache-2.0
#include "heap.h"
#include "host.h"
#include "host_files.h"
#include "plain_memory.h"
#include "protected_root.h"
#include "wasi/wasi.h"

/* A list that grows; `failed` once it could not. */
struct list {
    char *bytes;
    size_t size;
};

static u32 list_add(struct list *list, uint8_t type, const char *name)
{
    size_t length = strlen(name);
    char *bytes = heap_resize(list->bytes, list->size + length + 2);
    if (bytes == NULL)
        return WASI_ENOMEM;
    bytes[list->size] = (char)type;
    memcpy(bytes + list->size + 1, name, length + 1);
    list->bytes = bytes;
    list->size += length + 2;
    return WASI_SUCCESS;
}

static u32 add_records(struct preopen *preopen, const struct protected_root *root, const char *path,
                       const uint8_t *records, size_t size, struct list *list, u64 *cookie)
{
    const size_t header = offsetof(struct host_dirent, name);
    for (size_t at = 0; at < size;) {
        struct host_dirent record;
        char encrypted[HOST_NAME_MAX + 1], name[PROTECTED_NAME_MAX + 1];
        if (size - at < header + 1)
            return WASI_EIO;
        memcpy(&record, records + at, header);
        if (record.length < header + 1 || record.length > size - at)
            return WASI_EIO;
        size_t room = record.length - header, length = 0;
        const char *text = (const char *)records + at + header;
        while (length < room && text[length] != '\0')
            length++;
        if (length == room || length == 0 || length > HOST_NAME_MAX)
            return WASI_EIO;
        memcpy(encrypted, text, length + 1);
        *cookie = (u64)record.next;
        at += record.length;
        /* ".", "..", the marker, and what a crash has left of a writing. */
        if (encrypted[0] == '.')
            continue;
        if (!name_decrypt(&root->names, path, encrypted, name))
            return protected_tampered(preopen, encrypted, "the name is none of this directory's");
        uint8_t type = record.type == 4 ? FILETYPE_DIRECTORY : FILETYPE_REGULAR_FILE;
        u32 error = list_add(list, type, name);
        if (error != WASI_SUCCESS)
            return error;
    }
    return WASI_SUCCESS;
}

u32 protected_list(struct preopen *preopen, const char *path, char **names, size_t *size)
{
    enum { READ_SIZE = 16 << 10 };
    struct protected_root *root;
    char *name;
    u32 error = protected_root_get(preopen, &root);
    if (error == WASI_SUCCESS)
        error = protected_host_path(preopen, path, &name);
    if (error != WASI_SUCCESS)
        return error;
    int32_t fd;
    error = host_directory_open(preopen->host, name, &fd);
    heap_free(name);
    if (error != WASI_SUCCESS)
        return error;
    struct list list = {0};
    uint8_t *records = heap_allocate(READ_SIZE);
    error = records == NULL ? WASI_ENOMEM : WASI_SUCCESS;
    for (u64 cookie = 0; error == WASI_SUCCESS;) {
        int64_t got = host_call(HOST_READ_DIRECTORY, (u64)fd, cookie, READ_SIZE, 0, READ_SIZE);
        if (got <= 0) {
            error = got < 0 ? wasi_errno(got) : WASI_SUCCESS;
            break;
        }
        host_get(records, 0, (size_t)got);
        error = add_records(preopen, root, path, records, (size_t)got, &list, &cookie);
    }
    heap_free(records);
    host_file_close(fd);
    if (error != WASI_SUCCESS) {
        heap_free(list.bytes);
        return error;
    }
    *names = list.bytes;
    *size = list.size;
    return WASI_SUCCESS;
}
