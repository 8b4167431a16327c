// SPDX-License-Identifier: Apache-2.0
#include "descriptors.h"

#include "heap.h"
#include "host.h"
#include "manifest.h"
#include "plain_memory.h"
#include "protected_root.h"
#include "traps.h"
#include "tree.h"
#include "wasi/wasi.h"

enum { DESCRIPTORS_MAX = 1024, STREAMS = 3 };

static struct descriptor *table;

static void open_streams(void);
static void open_directory(const struct record *record);
static void open_listener(const struct record *record);
static struct descriptor *take_or_refuse(void);

void descriptors_init(void)
{
    table = heap_allocate(DESCRIPTORS_MAX * sizeof(struct descriptor));
    if (table == NULL)
        refuse_to_start("the runtime's memory is too small", NULL);
    open_streams();
    for (struct record record = {0}; manifest_next(&record);) {
        if (record.tag == MANIFEST_PREOPEN)
            open_directory(&record);
    }
    for (struct record record = {0}; manifest_next(&record);) {
        if (record.tag == MANIFEST_LISTEN)
            open_listener(&record);
    }
}

struct descriptor *descriptor_get(uint32_t number, uint64_t rights, uint32_t *error)
{
    if (number >= DESCRIPTORS_MAX || table[number].kind == DESCRIPTOR_FREE) {
        *error = WASI_EBADF;
        return NULL;
    }
    if (rights & ~table[number].rights) {
        *error = WASI_ENOTCAPABLE;
        return NULL;
    }
    return &table[number];
}

struct descriptor *descriptor_take(uint32_t *number)
{
    for (uint32_t i = 0; i < DESCRIPTORS_MAX; i++) {
        if (table[i].kind == DESCRIPTOR_FREE) {
            *number = i;
            return &table[i];
        }
    }
    return NULL;
}

uint32_t descriptor_add_host(int32_t host, uint8_t type, uint16_t flags, uint64_t rights,
                             uint64_t inheriting, uint32_t *number)
{
    struct descriptor *descriptor = descriptor_take(number);
    if (descriptor == NULL) {
        host_call(HOST_CLOSE, (uint64_t)host, 0, 0, 0, ANSWER_NONE);
        return WASI_EMFILE;
    }
    *descriptor = (struct descriptor){.kind = DESCRIPTOR_HOST,
                                      .type = type,
                                      .flags = flags,
                                      .host = host,
                                      .rights = rights,
                                      .inheriting = inheriting};
    return WASI_SUCCESS;
}

uint32_t descriptor_close(struct descriptor *descriptor)
{
    uint32_t error = WASI_SUCCESS;
    if (descriptor->kind == DESCRIPTOR_TREE_FILE) {
        error = tree_file_release(descriptor->file);
    } else if (descriptor->kind == DESCRIPTOR_HOST) {
        int64_t result = host_call(HOST_CLOSE, (uint64_t)descriptor->host, 0, 0, 0, ANSWER_NONE);
        error = result < 0 ? wasi_errno(result) : WASI_SUCCESS;
    }
    heap_free(descriptor->path);
    *descriptor = (struct descriptor){.kind = DESCRIPTOR_FREE};
    return error;
}

uint32_t descriptor_move(uint32_t from, uint32_t to)
{
    uint32_t error;
    struct descriptor *source = descriptor_get(from, 0, &error);
    struct descriptor *target = descriptor_get(to, 0, &error);
    if (source == NULL || target == NULL)
        return WASI_EBADF;
    if (source == target)
        return WASI_SUCCESS;
    descriptor_close(target);
    *target = *source;
    *source = (struct descriptor){.kind = DESCRIPTOR_FREE};
    return WASI_SUCCESS;
}

uint8_t filetype_of_mode(uint64_t mode)
{
    switch (mode & 0170000) {
    case 0040000:
        return FILETYPE_DIRECTORY;
    case 0100000:
        return FILETYPE_REGULAR_FILE;
    case 0020000:
        return FILETYPE_CHARACTER_DEVICE;
    case 0060000:
        return FILETYPE_BLOCK_DEVICE;
    case 0120000:
        return FILETYPE_SYMBOLIC_LINK;
    case 0140000:
        return FILETYPE_SOCKET_STREAM;
    default:
        return FILETYPE_UNKNOWN;
    }
}

/* What they are, the host says: nothing depends on it but what the program is told. */
static void open_streams(void)
{
    for (int32_t i = 0; i < STREAMS; i++) {
        struct host_stat stat = {0};
        if (host_call(HOST_STAT, (uint64_t)i, 0, 0, 0, ANSWER_NONE) == 0)
            host_get(&stat, 0, sizeof(stat));
        uint8_t type = filetype_of_mode(stat.mode);
        uint64_t rights = RIGHTS_ALL;
        /* wasi-libc takes a character device without these two for a terminal. */
        if (type == FILETYPE_CHARACTER_DEVICE)
            rights &= ~(RIGHT_FD_SEEK | RIGHT_FD_TELL);
        table[i] =
            (struct descriptor){.kind = DESCRIPTOR_HOST, .type = type, .host = i, .rights = rights};
    }
}

static void open_directory(const struct record *record)
{
    struct manifest_preopen header;
    if (record->length < sizeof(header))
        refuse_to_start("the manifest is malformed", NULL);
    memcpy(&header, record->value, sizeof(header));
    if (record->length != sizeof(header) + header.name_length + header.path_length)
        refuse_to_start("the manifest is malformed", NULL);
    const uint8_t *name = record->value + sizeof(header);
    char *path = manifest_string(name + header.name_length, header.path_length);
    struct preopen *preopen = heap_allocate(sizeof(*preopen));
    if (preopen == NULL)
        refuse_to_start("the runtime's memory is too small", NULL);
    preopen->name = manifest_string(name, header.name_length);
    preopen->mode = header.mode;
    preopen->flags = header.flags;
    preopen->record = record->offset;
    host_put(0, path, header.path_length);
    int64_t host = host_call(HOST_OPEN_PREOPEN, header.path_length, 0, 0, 0, ANSWER_DESCRIPTOR);
    if (host < 0)
        refuse_to_start("the host cannot open the preopened directory", path);
    heap_free(path);
    preopen->host = (int32_t)host;
    if (preopen->mode == PREOPEN_PROTECTED)
        protected_root_look(preopen);

    uint64_t rights = RIGHTS_ALL;
    if (!(header.flags & PREOPEN_WRITE) || header.mode == PREOPEN_TRUSTED)
        rights &= ~RIGHTS_CHANGING;
    bool is_tree = header.mode != PREOPEN_PLAIN;
    *take_or_refuse() = (struct descriptor){
        .kind = is_tree ? DESCRIPTOR_TREE_DIRECTORY : DESCRIPTOR_HOST,
        .type = FILETYPE_DIRECTORY,
        .host = preopen->host,
        .rights = rights & ~(RIGHT_FD_READ | RIGHT_FD_WRITE | RIGHT_FD_SEEK | RIGHT_FD_TELL |
                             RIGHT_FD_ALLOCATE | RIGHT_SOCK_ACCEPT | RIGHT_SOCK_SHUTDOWN),
        .inheriting = rights,
        .preopen = preopen,
        .is_preopen = true,
        .path = is_tree ? heap_allocate(1) : NULL,
    };
}

static void open_listener(const struct record *record)
{
    struct manifest_listen listen;
    if (record->length != sizeof(listen))
        refuse_to_start("the manifest is malformed", NULL);
    memcpy(&listen, record->value, sizeof(listen));
    host_put(0, listen.address, sizeof(listen.address));
    int64_t host = host_call(HOST_LISTEN, listen.family, listen.port, 0, 0, ANSWER_DESCRIPTOR);
    if (host < 0)
        refuse_to_start("the host cannot listen where the manifest says", NULL);
    *take_or_refuse() = (struct descriptor){
        .kind = DESCRIPTOR_HOST,
        .type = FILETYPE_SOCKET_STREAM,
        .host = (int32_t)host,
        .rights = RIGHT_SOCK_ACCEPT | RIGHT_SOCK_SHUTDOWN | RIGHT_POLL_FD_READWRITE |
                  RIGHT_FD_FDSTAT_SET_FLAGS | RIGHT_FD_FILESTAT_GET | RIGHT_FD_READ,
        .inheriting = RIGHT_FD_READ | RIGHT_FD_WRITE | RIGHT_SOCK_SHUTDOWN |
                      RIGHT_POLL_FD_READWRITE | RIGHT_FD_FDSTAT_SET_FLAGS | RIGHT_FD_FILESTAT_GET,
    };
}

static struct descriptor *take_or_refuse(void)
{
    uint32_t number;
    struct descriptor *descriptor = descriptor_take(&number);
    if (descriptor == NULL)
        refuse_to_start("the manifest opens too much", NULL);
    return descriptor;
}
