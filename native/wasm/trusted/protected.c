// SPDX-License-Identifier: Apache-2.0
#include "protected.h"

#include "aes_gcm.h"
#include "enclave.h"
#include "heap.h"
#include "host_files.h"
#include "keys.h"
#include "protected_root.h"
#include "plain_memory.h"
#include "wasi/wasi.h"

enum { CHUNK_SIZE = 65536, SALT_SIZE = 32, VERSION = 1 };

static const char file_magic[8] = "INCLFILE";

/* Before a file's chunks; additional data of each of them. */
struct file_header {
    char magic[8];
    uint32_t version;
    uint32_t chunk_size;
    uint64_t size;
    uint8_t salt[SALT_SIZE]; /* random for each writing: a key encrypts one content once */
    uint64_t zero;
};
_Static_assert(sizeof(struct file_header) == 64, "as in the page");

static void file_cipher(const struct protected_root *root, const struct file_header *header,
                        struct aes_gcm *cipher)
{
    static const char label[] = "file";
    uint8_t key[32];
    hmac(root->master, sizeof(root->master), label, sizeof(label), header->salt, SALT_SIZE, key);
    aes_gcm_init(cipher, key);
    wipe(key, sizeof(key));
}

/* Chunks cannot change places, and the last one cannot become another's end. */
static void chunk_nonce(u64 index, bool is_last, uint8_t nonce[GCM_NONCE_SIZE])
{
    memset(nonce, 0, GCM_NONCE_SIZE);
    memcpy(nonce, &index, sizeof(index));
    nonce[GCM_NONCE_SIZE - 1] = is_last;
}

/* An empty file has one, empty chunk: its header is authenticated too. */
static u64 chunk_count(u64 size)
{
    return size == 0 ? 1 : size / CHUNK_SIZE + (size % CHUNK_SIZE != 0);
}

static size_t chunk_length(u64 size, u64 index)
{
    u64 left = size - index * CHUNK_SIZE;
    return left < CHUNK_SIZE ? (size_t)left : CHUNK_SIZE;
}

static u32 read_chunks(struct preopen *preopen, const struct protected_root *root, const char *path,
                       int32_t fd, const struct file_header *header, uint8_t *data)
{
    struct aes_gcm cipher;
    uint8_t *chunk = heap_allocate(CHUNK_SIZE + GCM_TAG_SIZE);
    u32 error = chunk == NULL ? WASI_ENOMEM : WASI_SUCCESS;
    file_cipher(root, header, &cipher);
    u64 count = chunk_count(header->size), offset = sizeof(*header);
    for (u64 i = 0; i < count && error == WASI_SUCCESS; i++) {
        uint8_t nonce[GCM_NONCE_SIZE];
        size_t length = chunk_length(header->size, i);
        chunk_nonce(i, i == count - 1, nonce);
        error = host_file_read(fd, offset, chunk, length + GCM_TAG_SIZE);
        if (error == WASI_SUCCESS &&
            !aes_gcm_decrypt(&cipher, nonce, header, sizeof(*header), path, strlen(path), chunk,
                             data + i * CHUNK_SIZE, length, chunk + length))
            error = protected_tampered(preopen, path, "it has been tampered with");
        offset += length + GCM_TAG_SIZE;
    }
    heap_free(chunk);
    wipe(&cipher, sizeof(cipher));
    return error;
}

static u32 load_from(struct preopen *preopen, const struct protected_root *root, const char *path,
                     int32_t fd, uint8_t **data, u64 *size)
{
    struct file_header header;
    u32 error = host_file_read(fd, 0, (uint8_t *)&header, sizeof(header));
    if (error != WASI_SUCCESS)
        return error == WASI_EIO ? protected_tampered(preopen, path, "it is cut off") : error;
    if (memcmp(header.magic, file_magic, sizeof(file_magic)) != 0 || header.version != VERSION ||
        header.chunk_size != CHUNK_SIZE || header.zero != 0 || header.size > INT64_MAX)
        return protected_tampered(preopen, path, "it is no protected file");
    uint8_t *place = heap_allocate(header.size);
    if (place == NULL)
        return WASI_EFBIG;
    error = read_chunks(preopen, root, path, fd, &header, place);
    if (error != WASI_SUCCESS) {
        heap_free(place);
        return error == WASI_EIO ? protected_tampered(preopen, path, "it is cut off") : error;
    }
    *data = place;
    *size = header.size;
    return WASI_SUCCESS;
}

u32 protected_load(struct preopen *preopen, const char *path, uint8_t **data, u64 *size)
{
    struct protected_root *root;
    char *name;
    int32_t fd;
    u32 error = protected_root_get(preopen, &root);
    if (error == WASI_SUCCESS)
        error = protected_host_path(preopen, path, &name);
    if (error != WASI_SUCCESS)
        return error;
    error = host_file_open(preopen->host, name, &fd);
    heap_free(name);
    if (error != WASI_SUCCESS)
        return error;
    error = load_from(preopen, root, path, fd, data, size);
    host_file_close(fd);
    return error;
}

static u32 write_chunks(const struct protected_root *root, const char *path, int32_t fd,
                        const uint8_t *data, u64 size)
{
    struct file_header header = {.version = VERSION, .chunk_size = CHUNK_SIZE, .size = size};
    struct aes_gcm cipher;
    uint8_t *chunk = heap_allocate(CHUNK_SIZE + GCM_TAG_SIZE);
    if (chunk == NULL)
        return WASI_ENOMEM;
    memcpy(header.magic, file_magic, sizeof(file_magic));
    random_bytes(header.salt, sizeof(header.salt));
    file_cipher(root, &header, &cipher);
    u64 count = chunk_count(size), offset = sizeof(header);
    u32 error = host_file_write(fd, 0, (const uint8_t *)&header, sizeof(header));
    for (u64 i = 0; i < count && error == WASI_SUCCESS; i++) {
        uint8_t nonce[GCM_NONCE_SIZE];
        size_t length = chunk_length(size, i);
        chunk_nonce(i, i == count - 1, nonce);
        aes_gcm_encrypt(&cipher, nonce, &header, sizeof(header), path, strlen(path),
                        data + i * CHUNK_SIZE, chunk, length, chunk + length);
        error = host_file_write(fd, offset, chunk, length + GCM_TAG_SIZE);
        offset += length + GCM_TAG_SIZE;
    }
    heap_free(chunk);
    wipe(&cipher, sizeof(cipher));
    return error;
}

/* A new name in the root, which no encrypted name can be. */
static void temporary_name(char name[24])
{
    static const char hex[] = "0123456789abcdef";
    uint8_t bytes[8];
    random_bytes(bytes, sizeof(bytes));
    memcpy(name, ".new-", 5);
    for (int i = 0; i < 8; i++) {
        name[5 + 2 * i] = hex[bytes[i] >> 4];
        name[6 + 2 * i] = hex[bytes[i] & 15];
    }
    name[21] = '\0';
}

u32 protected_store(struct preopen *preopen, const char *path, const uint8_t *data, u64 size)
{
    struct protected_root *root;
    char *name, temporary[24];
    int32_t fd;
    u32 error = protected_root_get(preopen, &root);
    if (error == WASI_SUCCESS)
        error = protected_host_path(preopen, path, &name);
    if (error != WASI_SUCCESS)
        return error;
    temporary_name(temporary);
    error = host_file_create(preopen->host, temporary, &fd);
    if (error == WASI_SUCCESS) {
        error = write_chunks(root, path, fd, data, size);
        if (error == WASI_SUCCESS)
            error = host_file_sync(fd);
        host_file_close(fd);
        if (error == WASI_SUCCESS)
            error = host_name_rename(preopen->host, temporary, name);
        if (error != WASI_SUCCESS)
            host_name_remove(preopen->host, temporary, false);
    }
    heap_free(name);
    return error;
}

u32 protected_type(struct preopen *preopen, const char *path, uint8_t *type)
{
    char *name;
    u32 error = protected_host_path(preopen, path, &name);
    if (error != WASI_SUCCESS)
        return error;
    error = host_name_type(preopen->host, name, type);
    heap_free(name);
    if (error == WASI_SUCCESS && *type != FILETYPE_DIRECTORY && *type != FILETYPE_REGULAR_FILE)
        error = protected_tampered(preopen, path, "it is neither file nor directory");
    return error;
}

u32 protected_make_directory(struct preopen *preopen, const char *path)
{
    char *name;
    u32 error = protected_host_path(preopen, path, &name);
    if (error != WASI_SUCCESS)
        return error;
    error = host_name_make(preopen->host, name);
    heap_free(name);
    return error;
}

u32 protected_remove(struct preopen *preopen, const char *path, bool is_directory)
{
    char *name;
    u32 error = protected_host_path(preopen, path, &name);
    if (error != WASI_SUCCESS)
        return error;
    error = host_name_remove(preopen->host, name, is_directory);
    heap_free(name);
    return error;
}
