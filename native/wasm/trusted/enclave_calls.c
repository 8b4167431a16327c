// SPDX-License-Identifier: Apache-2.0
#include "enclave_calls.h"

#include "aes_gcm.h"
#include "descriptors.h"
#include "heap.h"
#include "host.h"
#include "keys.h"
#include "manifest.h"
#include "memory.h"
#include "report.h"
#include "plain_memory.h"

enum { IDENTITY_SIZE = 96, HOST_NAME_MAX_LENGTH = 253 };
static const char seal_magic[8] = "INCLSEAL";

u32 ENCLAVE(report)(void *instance, u32 target, u32 data, u32 out)
{
    (void)instance;
    uint8_t targetinfo[TARGETINFO_SIZE] = {0}, report_data[REPORT_DATA_SIZE], report[REPORT_SIZE];
    const void *given_target = guest(target, TARGETINFO_SIZE);
    const void *given_data = guest(data, REPORT_DATA_SIZE);
    void *place = guest(out, REPORT_SIZE);
    if (given_data == NULL || place == NULL || (target != 0 && given_target == NULL))
        return WASI_EFAULT;
    if (target != 0)
        memcpy(targetinfo, given_target, sizeof(targetinfo));
    memcpy(report_data, given_data, sizeof(report_data));
    report_make(targetinfo, report_data, report);
    memcpy(place, report, sizeof(report));
    return WASI_SUCCESS;
}

u32 ENCLAVE(quote)(void *instance, u32 data, u32 buf, u32 buf_len, u32 used)
{
    (void)instance;
    uint8_t targetinfo[TARGETINFO_SIZE], report_data[REPORT_DATA_SIZE], report[REPORT_SIZE];
    const void *given_data = guest(data, REPORT_DATA_SIZE);
    uint8_t *place = guest(buf, buf_len);
    if (given_data == NULL || place == NULL || guest(used, 4) == NULL)
        return WASI_EFAULT;
    memcpy(report_data, given_data, sizeof(report_data));
    int64_t result = host_call(HOST_QUOTE_TARGET, 0, 0, 0, 0, ANSWER_NONE);
    if (result < 0)
        return wasi_errno(result);
    host_get(targetinfo, 0, sizeof(targetinfo));
    report_make(targetinfo, report_data, report);
    host_put(0, report, sizeof(report));
    result = host_call(HOST_QUOTE, 0, 0, 0, 0, SHARED_DATA_SIZE);
    if (result < 0)
        return wasi_errno(result);
    if (result <= buf_len)
        host_get(place, 0, (size_t)result);
    guest_put32(used, (u32)result);
    return result <= buf_len ? WASI_SUCCESS : WASI_EOVERFLOW;
}

u32 ENCLAVE(seal)(void *instance, u32 policy, u32 aad, u32 aad_len, u32 data, u32 data_len, u32 buf,
                  u32 buf_len, u32 used)
{
    (void)instance;
    static const uint8_t nonce[GCM_NONCE_SIZE]; /* the key is used once: it has a random id */
    const uint64_t needed = (uint64_t)data_len + sizeof(struct seal_header) + GCM_TAG_SIZE;
    if (policy != SEAL_BY_ENCLAVE && policy != SEAL_BY_SIGNER)
        return WASI_EINVAL;
    if (guest(aad, aad_len) == NULL || guest(data, data_len) == NULL ||
        guest(buf, buf_len) == NULL || guest(used, 4) == NULL)
        return WASI_EFAULT;
    if (needed > buf_len)
        return WASI_EOVERFLOW;
    struct seal_header header = seal_header_new(seal_magic, (enum seal_policy)policy);
    uint8_t key[AES_KEY_SIZE];
    if (!seal_key(&header, key))
        return WASI_EIO;
    /* Data may lie in the buffer: what is read and what is written are kept apart. */
    uint8_t *sealed = heap_allocate(needed);
    if (sealed == NULL)
        return WASI_ENOMEM;
    struct aes_gcm cipher;
    uint8_t *text = sealed + sizeof(header);
    aes_gcm_init(&cipher, key);
    memcpy(sealed, &header, sizeof(header));
    aes_gcm_encrypt(&cipher, nonce, &header, sizeof(header), guest(aad, aad_len), aad_len,
                    guest(data, data_len), text, data_len, text + data_len);
    memcpy(guest(buf, needed), sealed, needed);
    guest_put32(used, (u32)needed);
    heap_free(sealed);
    wipe(key, sizeof(key));
    wipe(&cipher, sizeof(cipher));
    return WASI_SUCCESS;
}

u32 ENCLAVE(unseal)(void *instance, u32 aad, u32 aad_len, u32 data, u32 data_len, u32 buf,
                    u32 buf_len, u32 used)
{
    (void)instance;
    static const uint8_t nonce[GCM_NONCE_SIZE];
    const size_t overhead = sizeof(struct seal_header) + GCM_TAG_SIZE;
    const uint8_t *sealed = guest(data, data_len);
    if (guest(aad, aad_len) == NULL || sealed == NULL || guest(buf, buf_len) == NULL ||
        guest(used, 4) == NULL)
        return WASI_EFAULT;
    struct seal_header header;
    if (data_len < overhead)
        return WASI_EBADMSG;
    memcpy(&header, sealed, sizeof(header));
    if (!seal_header_is(&header, seal_magic))
        return WASI_EBADMSG;
    size_t size = data_len - overhead;
    if (size > buf_len)
        return WASI_EOVERFLOW;
    uint8_t key[AES_KEY_SIZE];
    /* A header is no secret and may be anybody's: a key that cannot be had is a wrong header. */
    if (!seal_key(&header, key))
        return WASI_EBADMSG;
    uint8_t *text = heap_allocate(size);
    if (text == NULL)
        return WASI_ENOMEM;
    struct aes_gcm cipher;
    aes_gcm_init(&cipher, key);
    bool ok = aes_gcm_decrypt(&cipher, nonce, &header, sizeof(header), guest(aad, aad_len), aad_len,
                              sealed + sizeof(header), text, size, sealed + sizeof(header) + size);
    if (ok) {
        memcpy(guest(buf, size), text, size);
        guest_put32(used, (u32)size);
    }
    heap_free(text);
    wipe(key, sizeof(key));
    wipe(&cipher, sizeof(cipher));
    return ok ? WASI_SUCCESS : WASI_EBADMSG;
}

u32 ENCLAVE(identity)(void *instance, u32 out)
{
    (void)instance;
    static const uint8_t nothing[TARGETINFO_SIZE];
    uint8_t report[REPORT_SIZE], *place = guest(out, IDENTITY_SIZE);
    if (place == NULL)
        return WASI_EFAULT;
    report_make(nothing, nothing, report);
    memset(place, 0, IDENTITY_SIZE);
    memcpy(place, report + REPORT_MRENCLAVE, 32);
    memcpy(place + 32, report + REPORT_MRSIGNER, 32);
    memcpy(place + 64, report + REPORT_ATTRIBUTES, 16);
    memcpy(place + 80, report + REPORT_PRODUCT, 4);
    return WASI_SUCCESS;
}

u32 ENCLAVE(sock_connect)(void *instance, u32 host, u32 host_len, u32 port, u32 opened)
{
    (void)instance;
    char name[HOST_NAME_MAX_LENGTH + 1];
    u32 number;
    const char *place = guest(host, host_len);
    if (place == NULL || guest(opened, 4) == NULL)
        return WASI_EFAULT;
    if (host_len == 0 || host_len > HOST_NAME_MAX_LENGTH || port == 0 || port > UINT16_MAX)
        return WASI_EINVAL;
    memcpy(name, place, host_len);
    name[host_len] = '\0';
    if (strlen(name) != host_len)
        return WASI_EILSEQ;
    if (!manifest_allows_connection(name, host_len, (uint16_t)port))
        return WASI_ENOTCAPABLE;
    host_put(0, name, host_len + 1);
    int64_t fd = host_call(HOST_CONNECT, host_len, port, 0, 0, ANSWER_DESCRIPTOR);
    if (fd < 0)
        return wasi_errno(fd);
    const uint64_t rights = RIGHT_FD_READ | RIGHT_FD_WRITE | RIGHT_SOCK_SHUTDOWN |
                            RIGHT_POLL_FD_READWRITE | RIGHT_FD_FDSTAT_SET_FLAGS |
                            RIGHT_FD_FILESTAT_GET;
    u32 error = descriptor_add_host((int32_t)fd, FILETYPE_SOCKET_STREAM, 0, rights, 0, &number);
    if (error == WASI_SUCCESS)
        guest_put32(opened, number);
    return error;
}
