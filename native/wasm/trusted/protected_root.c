// SPDX-License-Identifier: Apache-2.0
#include "protected_root.h"

#include "enclave.h"
#include "heap.h"
#include "host.h"
#include "host_files.h"
#include "keys.h"
#include "plain_memory.h"
#include "wasi/wasi.h"

enum { CHECK_SIZE = 32 };

static const char marker_name[] = ".inclavare-protected";
static const char marker_magic[8] = "INCLTREE";

/* The file `.inclavare-protected` in the root. */
struct marker {
    struct seal_header header;
    uint8_t
        check[CHECK_SIZE]; /* of the key: tells another enclave's directory from a damaged one */
};

u32 protected_tampered(struct preopen *preopen, const char *path, const char *reason)
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
        return protected_tampered(preopen, marker_name, "it is damaged");
    if (error != WASI_SUCCESS)
        return error;
    if (marker.header.policy != policy)
        return protected_tampered(preopen, marker_name, "the directory has another kind of key");
    if (!seal_key(&marker.header, master))
        return protected_tampered(preopen, marker_name,
                                  "it was sealed by a newer enclave or platform");
    make_check(master, check);
    if (!equal_in_constant_time(check, marker.check, sizeof(check)))
        return protected_tampered(preopen, marker_name,
                                  "it was sealed by another enclave or platform");
    return WASI_SUCCESS;
}

static u32 get(struct preopen *preopen, bool create, struct protected_root **root)
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
    } else if (error == WASI_ENOENT && create && (preopen->flags & PREOPEN_WRITE)) {
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

u32 protected_root_get(struct preopen *preopen, struct protected_root **root)
{
    return get(preopen, true, root);
}

void protected_root_look(struct preopen *preopen)
{
    struct protected_root *root;
    u32 error = get(preopen, false, &root);
    /* EBADMSG has said so itself; a directory without the marker is a new one. */
    if (error != WASI_SUCCESS && error != WASI_ENOENT && error != WASI_EBADMSG)
        protected_tampered(preopen, marker_name, "it cannot be read");
}

u32 protected_host_path(struct preopen *preopen, const char *path, char **encrypted)
{
    struct protected_root *root;
    u32 error = protected_root_get(preopen, &root);
    return error != WASI_SUCCESS ? error : name_encrypt_path(&root->names, path, encrypted);
}
