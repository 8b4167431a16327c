// SPDX-License-Identifier: Apache-2.0
/* Frames of the platform service's socket: those that are right, each byte of a header wrong,
 * noise. */
#include "../crypto/tests/tap.h"
#include "../service_frames.h"

#define ROUNDS 300000

static const size_t payloads[] = {0, 32, SERVICE_IDENTITY + SERVICE_TICKET, 432, 16};

static struct service_reply reply_of(enum service_code code, uint32_t status, size_t payload)
{
    struct service_reply reply = {.size = SERVICE_HEADER + payload};
    uint32_t rest = (uint32_t)(reply.size - 4);
    uint16_t words[] = {(uint16_t)code, SERVICE_VERSION};
    memcpy(reply.bytes, &rest, 4);
    memcpy(reply.bytes + 4, words, 4);
    memcpy(reply.bytes + 8, &status, 4);
    for (size_t i = 0; i < payload && SERVICE_HEADER + i < sizeof reply.bytes; i++)
        reply.bytes[SERVICE_HEADER + i] = (uint8_t)(i * 7);
    return reply;
}

static bool is_taken(const struct service_reply *reply, enum service_code code)
{
    uint32_t status;
    const uint8_t *payload;
    return service_reply_read(reply, code, &status, &payload);
}

static void replies(void)
{
    for (unsigned code = SERVICE_HELLO; code <= SERVICE_EGETKEY; code++) {
        struct service_reply reply = reply_of(code, 0, payloads[code]);
        uint32_t status = 1;
        const uint8_t *payload = NULL;
        ok(service_reply_read(&reply, code, &status, &payload) && status == 0 &&
               payload == reply.bytes + SERVICE_HEADER,
           "a reply with its payload");
        bool all_refused = true;
        for (size_t i = 0; i < 8; i++) {
            struct service_reply other = reply;
            other.bytes[i] ^= 1;
            all_refused = all_refused && !is_taken(&other, code);
        }
        ok(all_refused, "each byte of size, code and version must be right");
        struct service_reply shorter = reply, longer = reply;
        shorter.size--;
        longer.size++;
        ok(!is_taken(&shorter, code) && !is_taken(&longer, code), "one byte less or more is none");
        struct service_reply refused = reply_of(code, 64, 0);
        ok(service_reply_read(&refused, code, &status, &payload) && status == 64 && payload == NULL,
           "a status without payload");
        struct service_reply both = reply_of(code, 64, payloads[code]);
        ok(!is_taken(&both, code), "a status with a payload is none");
        struct service_reply neither = reply_of(code, 0, 0);
        ok(!is_taken(&neither, code), "success without its payload is none");
    }
}

static void requests(void)
{
    struct service_request request;
    const struct enclave_identity identity = {.attributes = {5, 7},
                                              .miscselect = 1,
                                              .isvprodid = 2,
                                              .isvsvn = 3,
                                              .configsvn = 4,
                                              .mrenclave = {0xe0},
                                              .mrsigner = {0x51},
                                              .configid = {0xc0},
                                              .isvfamilyid = {0xf0},
                                              .isvextprodid = {0xe1}};
    uint8_t encoded[SERVICE_IDENTITY];
    service_identity_encode(&identity, encoded);
    ok(encoded[0] == 5 && encoded[8] == 7 && encoded[16] == 1 && encoded[20] == 2 &&
           encoded[22] == 3 && encoded[24] == 4 && encoded[32] == 0xe0 && encoded[64] == 0x51 &&
           encoded[96] == 0xc0 && encoded[160] == 0xf0 && encoded[176] == 0xe1,
       "an identity's fields are where the page says");
    const struct service_launch launch = {.attributes = {4, 3},
                                          .miscselect = 1,
                                          .configsvn = 9,
                                          .flags = 2,
                                          .mrenclave = {0xe0},
                                          .configid = {0xc0},
                                          .size = 1UL << 40,
                                          .pages = 300,
                                          .threads = 5};
    uint8_t bytes[SERVICE_LAUNCH];
    service_launch_encode(&launch, bytes);
    ok(bytes[0] == 4 && bytes[8] == 3 && bytes[16] == 1 && bytes[20] == 9 && bytes[22] == 2 &&
           bytes[24] == 0xe0 && bytes[56] == 0xc0 && bytes[125] == 1 && bytes[128] == 44 &&
           bytes[129] == 1 && bytes[136] == 5 && bytes[151] == 0,
       "a launch's fields are where the page says");
    service_request_begin(&request, SERVICE_EGETKEY);
    service_request_add(&request, encoded, sizeof encoded);
    service_request_end(&request);
    ok(request.size == 204 && request.bytes[0] == 200 && request.bytes[4] == 4 &&
           request.bytes[6] == 1 && request.bytes[8] == 0,
       "a request's header");
}

/* Nothing is read behind `size`: the sanitizer watches. */
static void fuzzed(void)
{
    bool sound = true;
    uint32_t random = 12345;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct service_reply *reply = malloc(sizeof *reply);
        unsigned code = 1 + round % 4;
        random = random * 1664525 + 1013904223;
        *reply = reply_of(code, random % 3 == 0 ? random >> 8 : 0, payloads[1 + (random >> 4) % 4]);
        if ((random >> 12) % 2 == 0)
            reply->size = (random >> 16) % (sizeof reply->bytes + 1);
        reply->bytes[(random >> 10) % 12] ^= (uint8_t)(random >> 24);
        uint32_t status = 0;
        const uint8_t *payload = NULL;
        if (service_reply_read(reply, code, &status, &payload))
            sound = sound && (payload == NULL) == (status != 0) &&
                    reply->size == SERVICE_HEADER + (payload == NULL ? 0 : payloads[code]);
        free(reply);
    }
    ok(sound, "noise is refused, or is a whole reply");
}

int main(void)
{
    replies();
    requests();
    fuzzed();
    return done();
}
