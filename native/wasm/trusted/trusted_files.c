// SPDX-License-Identifier: Apache-2.0
#include "trusted_files.h"

#include "heap.h"
#include "host.h"
#include "host_files.h"
#include "manifest.h"
#include "sgxsim/crypto/sha256.h"
#include "plain_memory.h"
#include "wasi/wasi.h"

static const struct crypto_engine portable;

/* The next of a preopen's files: hash, then path. Start with its record's offset. */
static bool next_file(struct record *record, const uint8_t **hash, const char **path,
                      size_t *length)
{
    if (!manifest_next(record) || record->tag != MANIFEST_TRUSTED_FILE ||
        record->length <= SHA256_SIZE)
        return false;
    *hash = record->value;
    *path = (const char *)record->value + SHA256_SIZE;
    *length = record->length - SHA256_SIZE;
    return true;
}

/* Whether `whole` lies in the directory `path`; then what is behind it. */
static const char *behind(const char *path, const char *whole, size_t length)
{
    size_t start = strlen(path);
    if (start == 0)
        return whole;
    return length > start + 1 && memcmp(whole, path, start) == 0 && whole[start] == '/'
               ? whole + start + 1
               : NULL;
}

u32 trusted_type(struct preopen *preopen, const char *path, uint8_t *type)
{
    const uint8_t *hash;
    const char *name;
    size_t length;
    *type = FILETYPE_DIRECTORY;
    if (path[0] == '\0')
        return WASI_SUCCESS;
    for (struct record record = {.offset = preopen->record};
         next_file(&record, &hash, &name, &length);) {
        if (length == strlen(path) && memcmp(name, path, length) == 0) {
            *type = FILETYPE_REGULAR_FILE;
            return WASI_SUCCESS;
        }
        if (behind(path, name, length) != NULL)
            return WASI_SUCCESS;
    }
    return WASI_ENOENT;
}

u32 trusted_load(struct preopen *preopen, const char *path, uint8_t **data, u64 *size)
{
    const uint8_t *hash = NULL;
    const char *name;
    size_t length;
    struct record record = {.offset = preopen->record};
    bool found = false;
    while (!found && next_file(&record, &hash, &name, &length))
        found = length == strlen(path) && memcmp(name, path, length) == 0;
    if (!found)
        return WASI_ENOENT;
    int32_t fd;
    u32 error = host_file_open(preopen->host, path, &fd);
    if (error != WASI_SUCCESS)
        return error;
    error = host_file_size(fd, size);
    *data = error == WASI_SUCCESS ? heap_allocate(*size) : NULL;
    if (error == WASI_SUCCESS)
        error = *data == NULL ? WASI_EFBIG : host_file_read(fd, 0, *data, *size);
    host_file_close(fd);
    if (error == WASI_SUCCESS) {
        uint8_t digest[SHA256_SIZE];
        sha256(portable, *data, *size, digest);
        if (memcmp(digest, hash, sizeof(digest)) != 0) {
            host_log("enclave: the trusted file `");
            host_log(path);
            host_log("` is not the one that the manifest names\n");
            error = WASI_EBADMSG;
        }
    }
    if (error != WASI_SUCCESS) {
        heap_free(*data);
        *data = NULL;
    }
    return error;
}

u32 trusted_list(struct preopen *preopen, const char *path, char **names, size_t *size)
{
    const uint8_t *hash;
    const char *whole;
    size_t length, room = 1;
    for (struct record record = {.offset = preopen->record};
         next_file(&record, &hash, &whole, &length);)
        room += length + 2;
    char *list = heap_allocate(room);
    if (list == NULL)
        return WASI_ENOMEM;
    size_t end = 0;
    for (struct record record = {.offset = preopen->record};
         next_file(&record, &hash, &whole, &length);) {
        const char *name = behind(path, whole, length);
        if (name == NULL)
            continue;
        size_t left = length - (size_t)(name - whole), part = 0;
        while (part < left && name[part] != '/')
            part++;
        bool known = false;
        for (size_t at = 0; at < end; at += strlen(list + at + 1) + 2)
            known |= strlen(list + at + 1) == part && memcmp(list + at + 1, name, part) == 0;
        if (known)
            continue;
        list[end] = part == left ? FILETYPE_REGULAR_FILE : FILETYPE_DIRECTORY;
        memcpy(list + end + 1, name, part);
        end += part + 2; /* the NUL is there: the list came zeroed */
    }
    *names = list;
    *size = end;
    return WASI_SUCCESS;
}
