// SPDX-License-Identifier: Apache-2.0
#include "keys.h"

#include "enclave.h"
#include "instructions.h"
#include "report.h"
#include "sgxsim/crypto/sha256.h"
#include "plain_memory.h"

enum { VERSION = 1, KEY_SEAL = 4, KEY_REQUEST_SIZE = 512, HMAC_BLOCK = 64 };
/* KEYREQUEST (SDM volume 3D, 34.18). */
enum {
    REQUEST_NAME = 0,
    REQUEST_POLICY = 2,
    REQUEST_ISVSVN = 4,
    REQUEST_CPUSVN = 8,
    REQUEST_ATTRIBUTE_MASK = 24,
    REQUEST_KEY_ID = 40,
    REQUEST_MISC_MASK = 72,
};

static const struct crypto_engine portable;

struct seal_header seal_header_new(const char magic[8], enum seal_policy policy)
{
    static const uint8_t nothing[TARGETINFO_SIZE];
    uint8_t report[REPORT_SIZE];
    struct seal_header header = {.version = VERSION, .policy = (uint16_t)policy};
    report_make(nothing, nothing, report);
    memcpy(header.magic, magic, sizeof(header.magic));
    memcpy(&header.isvsvn, report + REPORT_ISVSVN, sizeof(header.isvsvn));
    memcpy(header.cpusvn, report + REPORT_CPUSVN, sizeof(header.cpusvn));
    random_bytes(header.key_id, sizeof(header.key_id));
    return header;
}

bool seal_header_is(const struct seal_header *header, const char magic[8])
{
    return memcmp(header->magic, magic, sizeof(header->magic)) == 0 && header->version == VERSION &&
           header->zero == 0 &&
           (header->policy == SEAL_BY_ENCLAVE || header->policy == SEAL_BY_SIGNER);
}

/* All attributes count: a debuggable enclave has other keys than the same one without DEBUG. */
bool seal_key(const struct seal_header *header, uint8_t key[16])
{
    static _Alignas(512) uint8_t request[KEY_REQUEST_SIZE];
    static _Alignas(16) uint8_t out[16];
    const uint16_t name = KEY_SEAL;
    memset(request, 0, sizeof(request));
    memcpy(request + REQUEST_NAME, &name, 2);
    memcpy(request + REQUEST_POLICY, &header->policy, 2);
    memcpy(request + REQUEST_ISVSVN, &header->isvsvn, 2);
    memcpy(request + REQUEST_CPUSVN, header->cpusvn, sizeof(header->cpusvn));
    memset(request + REQUEST_ATTRIBUTE_MASK, 0xff, 16);
    memcpy(request + REQUEST_KEY_ID, header->key_id, sizeof(header->key_id));
    memset(request + REQUEST_MISC_MASK, 0xff, 4);
    bool ok = enclu_key(request, out) == 0;
    memcpy(key, out, sizeof(out));
    wipe(out, sizeof(out));
    return ok;
}

void hmac(const uint8_t *key, size_t key_size, const void *data1, size_t size1, const void *data2,
          size_t size2, uint8_t mac[32])
{
    struct sha256 hash;
    uint8_t block[HMAC_BLOCK] = {0}, inner[32];
    memcpy(block, key, key_size);
    for (int i = 0; i < HMAC_BLOCK; i++)
        block[i] ^= 0x36;
    sha256_init(&hash, portable);
    sha256_update(&hash, block, sizeof(block));
    sha256_update(&hash, data1, size1);
    if (size2 > 0) /* NULL is nothing, and no operand of memcpy */
        sha256_update(&hash, data2, size2);
    sha256_final(&hash, inner);
    for (int i = 0; i < HMAC_BLOCK; i++)
        block[i] ^= 0x36 ^ 0x5c;
    sha256_init(&hash, portable);
    sha256_update(&hash, block, sizeof(block));
    sha256_update(&hash, inner, sizeof(inner));
    sha256_final(&hash, mac);
    wipe(block, sizeof(block));
    wipe(&hash, sizeof(hash));
}
