// SPDX-License-Identifier: Apache-2.0
/* fd_readdir. A cookie is the host's for its directories, a position in the list for a tree's. */
#include "descriptors.h"
#include "heap.h"
#include "host.h"
#include "memory.h"
#include "plain_memory.h"
#include "tree.h"
#include "wasi/transfer.h"
#include "wasi/wasi.h"

enum { DIRENT_SIZE = 24, NAME_MAX = 255, HOST_READ_SIZE = 32 << 10 };

/* The guest's buffer, filled from its start. */
struct output {
    uint8_t *place;
    u32 size, used;
};

/* One entry; what does not fit is cut off, as the standard says. False when the buffer is full. */
static bool put_entry(struct output *output, u64 next, u64 inode, uint8_t type, const char *name,
                      u32 length)
{
    uint8_t entry[DIRENT_SIZE + NAME_MAX] = {0};
    memcpy(entry, &next, 8);
    memcpy(entry + 8, &inode, 8);
    memcpy(entry + 16, &length, 4);
    entry[20] = type;
    memcpy(entry + DIRENT_SIZE, name, length);
    u32 left = output->size - output->used;
    u32 size = DIRENT_SIZE + length;
    memcpy(output->place + output->used, entry, size < left ? size : left);
    output->used += size < left ? size : left;
    return output->used < output->size;
}

static uint8_t filetype_of_dirent(uint8_t type)
{
    /* DT_* are the type bits of a mode (dirent.h). */
    return filetype_of_mode((u64)(type & 15) << 12);
}

/* Entries of one answer; false when the host's records do not hold together. */
static bool put_records(struct output *output, const uint8_t *records, size_t size, u64 *cookie,
                        bool *full)
{
    const size_t header = offsetof(struct host_dirent, name);
    for (size_t at = 0; at < size && !*full;) {
        struct host_dirent record;
        if (size - at < header + 1)
            return false;
        memcpy(&record, records + at, header);
        if (record.length < header + 1 || record.length > size - at)
            return false;
        const char *name = (const char *)records + at + header;
        size_t room = record.length - header, length = 0;
        while (length < room && name[length] != '\0')
            length++;
        if (length == room || length == 0 || length > NAME_MAX)
            return false;
        *cookie = (u64)record.next;
        *full = !put_entry(output, *cookie, record.inode, filetype_of_dirent(record.type), name,
                           (u32)length);
        at += record.length;
    }
    return true;
}

static u32 read_host(struct descriptor *directory, struct output *output, u64 cookie)
{
    uint8_t *records = transfer_buffer();
    if (records == NULL)
        return WASI_ENOMEM;
    /* Bounded: a host whose directory never ends fills the buffer, or answers nothing. */
    for (bool full = false; !full;) {
        int64_t size = host_call(HOST_READ_DIRECTORY, (u64)directory->host, cookie, HOST_READ_SIZE,
                                 0, HOST_READ_SIZE);
        if (size < 0)
            return wasi_errno(size);
        if (size == 0)
            return WASI_SUCCESS;
        host_get(records, 0, (size_t)size);
        if (!put_records(output, records, (size_t)size, &cookie, &full))
            return WASI_EIO;
    }
    return WASI_SUCCESS;
}

static u32 read_tree(struct descriptor *directory, struct output *output, u64 cookie)
{
    char *names;
    size_t size;
    u32 error = tree_list(directory->preopen, directory->path, &names, &size);
    if (error != WASI_SUCCESS)
        return error;
    u64 position = 1;
    for (size_t at = 0; at < size; position++) {
        const char *name = names + at + 1;
        size_t length = strlen(name);
        if (position > cookie &&
            !put_entry(output, position, position, (uint8_t)names[at], name, (u32)length))
            break;
        at += length + 2;
    }
    heap_free(names);
    return WASI_SUCCESS;
}

u32 WASI(fd_readdir)(void *instance, u32 fd, u32 buf, u32 buf_len, u64 cookie, u32 bufused)
{
    (void)instance;
    u32 error;
    struct descriptor *directory = descriptor_get(fd, RIGHT_FD_READDIR, &error);
    if (directory == NULL)
        return error;
    if (directory->type != FILETYPE_DIRECTORY)
        return WASI_ENOTDIR;
    struct output output = {guest(buf, buf_len), buf_len, 0};
    if (output.place == NULL || guest(bufused, 4) == NULL)
        return WASI_EFAULT;
    if (buf_len > 0)
        error = directory->kind == DESCRIPTOR_TREE_DIRECTORY
                    ? read_tree(directory, &output, cookie)
                    : read_host(directory, &output, cookie);
    else
        error = WASI_SUCCESS;
    if (error == WASI_SUCCESS)
        guest_put32(bufused, output.used);
    return error;
}
