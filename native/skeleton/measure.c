// SPDX-License-Identifier: Apache-2.0
#include "measure.h"

#include <string.h>

#include "sgxsim/crypto/sha256.h"

static const struct crypto_engine portable;

#define CHUNK_SIZE 256

static void add_record(struct sha256 *hash, const char *tag, uint64_t first, uint64_t second)
{
    uint8_t record[64] = {0};
    memcpy(record, tag, strlen(tag));
    memcpy(record + 8, &first, 8);
    memcpy(record + 16, &second, 8);
    sha256_update(hash, record, sizeof(record));
}

static void add_page(struct sha256 *hash, uint64_t offset, uint64_t flags, const uint8_t *page)
{
    add_record(hash, "EADD", offset, flags);
    for (int at = 0; at < SGX_PAGE_SIZE; at += CHUNK_SIZE) {
        add_record(hash, "EEXTEND", offset + (uint64_t)at, 0);
        sha256_update(hash, page + at, CHUNK_SIZE);
    }
}

void measure_layout(const struct layout *layout, uint8_t mrenclave[SGX_HASH_SIZE])
{
    static const uint8_t zero_page[SGX_PAGE_SIZE];
    struct sha256 hash;
    sha256_init(&hash, portable);
    uint8_t create[64] = "ECREATE";
    memcpy(create + 8, &layout->ssa_frame_pages, 4);
    memcpy(create + 12, &layout->enclave_size, 8);
    sha256_update(&hash, create, sizeof(create));
    for (int i = 0; i < layout->segment_count; i++) {
        const struct segment *segment = &layout->segments[i];
        for (uint64_t at = 0; at < segment->size; at += SGX_PAGE_SIZE) {
            add_page(&hash, layout->image_offset + segment->offset + at, segment->secinfo_flags,
                     segment->data != NULL ? segment->data + at : zero_page);
        }
    }
    sha256_final(&hash, mrenclave);
}
