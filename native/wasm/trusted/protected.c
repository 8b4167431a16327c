// SPDX-License-Identifier: Apache-2.0
#include "protected.h"

#include "aes_gcm.h"
#include "enclave.h"
#include "heap.h"
#include "host.h"
#include "host_files.h"
#include "keys.h"
#include "protected_names.h"
#include "plain_memory.h"
#include "wasi/wasi.h"

enum { CHUNK_SIZE = 65536, SALT_SIZE = 32, CHECK_SIZE = 32, VERSION = 1 };

static const char marker_name[] = ".inclavare-protected";
static const char marker_magic[8] = "INCLTREE", file_magic[8] = "INCLFILE";

/* The file `.inclavare-protected` in the root. */
struct marker {
    struct seal_header header;
    uint8_t
        check[CHECK_SIZE]; /* of the key: tells another enclave's directory from a damaged one */
};

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

struct protected_root {
    uint8_t master[16];
    struct name_keys names;
};

static u32 root_get(struct preopen *preopen, struct protected_root **root);
static u32 host_path(struct preopen *preopen, const char *path, char **encrypted);

static u32 tampered(struct preopen *preopen, const char *path, const char *reason)
{
    host_log("enclave: `");
    host_log(path);
    host_log("` in the protected directory `");
    host_log(preopen->name);
    host_log("`: ");
    host_log(reason);
    host_log("\n");
    return WASI_EBADMSG;
}

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
            error = tampered(preopen, path, "it has been tampered with");
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
        return error == WASI_EIO ? tampered(preopen, path, "it is cut off") : error;
    if (memcmp(header.magic, file_magic, sizeof(file_magic)) != 0 || header.version != VERSION ||
        header.chunk_size != CHUNK_SIZE || header.zero != 0 || header.size > INT64_MAX)
        return tampered(preopen, path, "it is no protected file");
    uint8_t *place = heap_allocate(header.size);
    if (place == NULL)
        return WASI_EFBIG;
    error = read_chunks(preopen, root, path, fd, &header, place);
    if (error != WASI_SUCCESS) {
        heap_free(place);
        return error == WASI_EIO ? tampered(preopen, path, "it is cut off") : error;
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
    u32 error = root_get(preopen, &root);
    if (error == WASI_SUCCESS)
        error = host_path(preopen, path, &name);
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
    u32 error = root_get(preopen, &root);
    if (error == WASI_SUCCESS)
        error = host_path(preopen, path, &name);
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
    u32 error = host_path(preopen, path, &name);
    if (error != WASI_SUCCESS)
        return error;
    error = host_name_type(preopen->host, name, type);
    heap_free(name);
    if (error == WASI_SUCCESS && *type != FILETYPE_DIRECTORY && *type != FILETYPE_REGULAR_FILE)
        error = tampered(preopen, path, "it is neither file nor directory");
    return error;
}

u32 protected_make_directory(struct preopen *preopen, const char *path)
{
    char *name;
    u32 error = host_path(preopen, path, &name);
    if (error != WASI_SUCCESS)
        return error;
    error = host_name_make(preopen->host, name);
    heap_free(name);
    return error;
}

u32 protected_remove(struct preopen *preopen, const char *path, bool is_directory)
{
    char *name;
    u32 error = host_path(preopen, path, &name);
    if (error != WASI_SUCCESS)
        return error;
    error = host_name_remove(preopen->host, name, is_directory);
    heap_free(name);
    return error;
}

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
            return tampered(preopen, encrypted, "the name is none of this directory's");
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
    u32 error = root_get(preopen, &root);
    if (error == WASI_SUCCESS)
        error = host_path(preopen, path, &name);
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

static void make_check(const uint8_t master[16], uint8_t check[CHECK_SIZE])
{
    static const char label[] = "check";
    hmac(master, 16, label, sizeof(label), NULL, 0, check);
}

static u32 marker_create(struct preopen *preopen, struct marker *marker, uint8_t master[16])
{
    int32_t fd;
    marker->header = seal_header_new(
        marker_magic, (preopen->flags & PREOPEN_BY_SIGNER) ? SEAL_BY_SIGNER : SEAL_BY_ENCLAVE);
    if (!seal_key(&marker->header, master))
        return WASI_EIO;
    make_check(master, marker->check);
    u32 error = host_file_create(preopen->host, marker_name, &fd);
    if (error != WASI_SUCCESS)
        return error;
    error = host_file_write(fd, 0, (const uint8_t *)marker, sizeof(*marker));
    if (error == WASI_SUCCESS)
        error = host_file_sync(fd);
    host_file_close(fd);
    return error;
}

static u32 marker_read(struct preopen *preopen, int32_t fd, uint8_t master[16])
{
    struct marker marker;
    uint8_t check[CHECK_SIZE];
    u32 error = host_file_read(fd, 0, (uint8_t *)&marker, sizeof(marker));
    const uint16_t policy = (preopen->flags & PREOPEN_BY_SIGNER) ? SEAL_BY_SIGNER : SEAL_BY_ENCLAVE;
    if (error == WASI_EIO ||
        (error == WASI_SUCCESS && !seal_header_is(&marker.header, marker_magic)))
        return tampered(preopen, marker_name, "it is damaged");
    if (error != WASI_SUCCESS)
        return error;
    if (marker.header.policy != policy)
        return tampered(preopen, marker_name, "the directory has another kind of key");
    if (!seal_key(&marker.header, master))
        return tampered(preopen, marker_name, "it was sealed by a newer enclave or platform");
    make_check(master, check);
    if (!equal_in_constant_time(check, marker.check, sizeof(check)))
        return tampered(preopen, marker_name, "it was sealed by another enclave or platform");
    return WASI_SUCCESS;
}

/* The directory's keys, from its marker; a new directory gets one if it may be written. */
static u32 root_get(struct preopen *preopen, struct protected_root **root)
{
    if (preopen->keys != NULL) {
        *root = preopen->keys;
        return WASI_SUCCESS;
    }
    struct protected_root *made = heap_allocate(sizeof(*made));
    if (made == NULL)
        return WASI_ENOMEM;
    int32_t fd;
    struct marker marker;
    u32 error = host_file_open(preopen->host, marker_name, &fd);
    if (error == WASI_SUCCESS) {
        error = marker_read(preopen, fd, made->master);
        host_file_close(fd);
    } else if (error == WASI_ENOENT && (preopen->flags & PREOPEN_WRITE)) {
        error = marker_create(preopen, &marker, made->master);
    }
    if (error != WASI_SUCCESS) {
        heap_free(made);
        return error;
    }
    name_keys_init(&made->names, made->master);
    preopen->keys = made;
    *root = made;
    return WASI_SUCCESS;
}

static u32 host_path(struct preopen *preopen, const char *path, char **encrypted)
{
    struct protected_root *root;
    u32 error = root_get(preopen, &root);
    return error != WASI_SUCCESS ? error : name_encrypt_path(&root->names, path, encrypted);
}
