// SPDX-License-Identifier: Apache-2.0
#include "service_frames.h"
#include "crypto/bytes.h"

/* Little-endian, as the processor is. */
static void put(uint8_t *bytes, size_t at, const void *value, size_t size)
{
    memcpy(bytes + at, value, size);
}

void service_request_begin(struct service_request *request, enum service_code code)
{
    const uint16_t words[] = {(uint16_t)code, SERVICE_VERSION};
    memset(request->bytes, 0, SERVICE_HEADER);
    put(request->bytes, 4, words, sizeof words);
    request->size = SERVICE_HEADER;
}

void service_request_add(struct service_request *request, const void *bytes, size_t size)
{
    put(request->bytes, request->size, bytes, size);
    request->size += size;
}

void service_request_end(struct service_request *request)
{
    uint32_t rest = (uint32_t)(request->size - 4);
    put(request->bytes, 0, &rest, sizeof rest);
}

void service_identity_encode(const struct enclave_identity *identity,
                             uint8_t bytes[SERVICE_IDENTITY])
{
    memset(bytes, 0, SERVICE_IDENTITY);
    put(bytes, 0, &identity->attributes, 16);
    put(bytes, 16, &identity->miscselect, 4);
    put(bytes, 20, &identity->isvprodid, 2);
    put(bytes, 22, &identity->isvsvn, 2);
    put(bytes, 24, &identity->configsvn, 2);
    put(bytes, 32, identity->mrenclave, SHA256_SIZE);
    put(bytes, 64, identity->mrsigner, SHA256_SIZE);
    put(bytes, 96, identity->configid, 64);
    put(bytes, 160, identity->isvfamilyid, 16);
    put(bytes, 176, identity->isvextprodid, 16);
}

void service_launch_encode(const struct service_launch *launch, uint8_t bytes[SERVICE_LAUNCH])
{
    memset(bytes, 0, SERVICE_LAUNCH);
    put(bytes, 0, &launch->attributes, 16);
    put(bytes, 16, &launch->miscselect, 4);
    put(bytes, 20, &launch->configsvn, 2);
    put(bytes, 22, &launch->flags, 2);
    put(bytes, 24, launch->mrenclave, SHA256_SIZE);
    put(bytes, 56, launch->configid, 64);
    put(bytes, 120, &launch->size, 8);
    put(bytes, 128, &launch->pages, 8);
    put(bytes, 136, &launch->threads, 4);
}

static size_t payload_size(enum service_code code)
{
    switch (code) {
    case SERVICE_HELLO:
        return 32;
    case SERVICE_EINIT:
        return SERVICE_IDENTITY + SERVICE_TICKET;
    case SERVICE_EREPORT:
        return sizeof(struct report);
    case SERVICE_EGETKEY:
        return AES128_SIZE;
    }
    return 0;
}

bool service_reply_read(const struct service_reply *reply, enum service_code code, uint32_t *status,
                        const uint8_t **payload)
{
    uint32_t rest, told;
    uint16_t words[2];
    if (reply->size < SERVICE_HEADER)
        return false;
    memcpy(&rest, reply->bytes, sizeof rest);
    memcpy(words, reply->bytes + 4, sizeof words);
    memcpy(&told, reply->bytes + 8, sizeof told);
    size_t expected = SERVICE_HEADER + (told == 0 ? payload_size(code) : 0);
    if (words[0] != code || words[1] != SERVICE_VERSION || reply->size != expected ||
        rest != expected - 4)
        return false;
    *status = told;
    *payload = told == 0 ? reply->bytes + SERVICE_HEADER : NULL;
    return true;
}
