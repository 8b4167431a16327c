// SPDX-License-Identifier: Apache-2.0
/* The records that MRENCLAVE is the hash of (SDM volume 3D, 35.1.2). */
#include "measure.h"

#include <string.h>

#include "sgxsim/crypto/sha256.h"
#include "shared/image.h"

enum { RECORD_SIZE = 64, CHUNK_SIZE = 256 };

static const struct crypto_engine portable;

static void put(struct sha256 *hash, const char *tag, uint64_t first, uint64_t second)
{
    uint8_t record[RECORD_SIZE] = {0};
    memcpy(record, tag, strlen(tag));
    memcpy(record + 8, &first, 8);
    memcpy(record + 16, &second, 8);
    sha256_update(hash, record, sizeof(record));
}

void image_measure(const struct image_header *header, const uint8_t *image, uint8_t mrenclave[32])
{
    struct sha256 hash;
    sha256_init(&hash, portable);
    uint8_t record[RECORD_SIZE] = "ECREATE";
    memcpy(record + 8, &header->ssa_pages, 4);
    memcpy(record + 12, &header->enclave_size, 8);
    sha256_update(&hash, record, sizeof(record));
    for (uint32_t i = 0; i < header->segment_count; i++) {
        const struct image_segment *segment = &header->segments[i];
        if (segment->load == SEGMENT_DYNAMIC)
            continue;
        for (uint64_t page = 0; page < segment->size; page += PAGE_SIZE) {
            put(&hash, "EADD", segment->offset + page, segment->flags);
            if (segment->load != SEGMENT_MEASURED)
                continue;
            for (uint64_t at = page; at < page + PAGE_SIZE; at += CHUNK_SIZE) {
                put(&hash, "EEXTEND", segment->offset + at, 0);
                sha256_update(&hash, image + segment->file + at, CHUNK_SIZE);
            }
        }
    }
    sha256_final(&hash, mrenclave);
}
