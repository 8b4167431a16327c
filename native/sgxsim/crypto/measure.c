// SPDX-License-Identifier: Apache-2.0
#include "measure.h"
#include <string.h>

#define RECORD_SIZE 64
#define SECINFO_MEASURED 48

struct record {
    char tag[8];
    uint8_t fields[RECORD_SIZE - 8];
};

void measure_ecreate(struct sha256 *mrenclave, struct crypto_engine engine, uint32_t ssa_frame_size,
                     uint64_t size)
{
    struct record record = {.tag = "ECREATE"};
    memcpy(record.fields, &ssa_frame_size, sizeof ssa_frame_size);
    memcpy(record.fields + sizeof ssa_frame_size, &size, sizeof size);
    sha256_init(mrenclave, engine);
    sha256_update(mrenclave, &record, sizeof record);
}

void measure_eadd(struct sha256 *mrenclave, uint64_t offset,
                  const uint8_t secinfo[SGX_SECINFO_SIZE])
{
    struct record record = {.tag = "EADD"};
    memcpy(record.fields, &offset, sizeof offset);
    memcpy(record.fields + sizeof offset, secinfo, SECINFO_MEASURED);
    sha256_update(mrenclave, &record, sizeof record);
}

void measure_eextend(struct sha256 *mrenclave, uint64_t offset, const uint8_t chunk[MEASURE_CHUNK])
{
    struct record record = {.tag = "EEXTEND"};
    memcpy(record.fields, &offset, sizeof offset);
    sha256_update(mrenclave, &record, sizeof record);
    sha256_update(mrenclave, chunk, MEASURE_CHUNK);
}

void measure_final(const struct sha256 *mrenclave, uint8_t digest[SHA256_SIZE])
{
    sha256_final(mrenclave, digest);
}
