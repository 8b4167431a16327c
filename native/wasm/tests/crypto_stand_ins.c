// SPDX-License-Identifier: Apache-2.0
/* What keys.c asks of an enclave, and no test here uses. */
#include <stdlib.h>
#include <string.h>

#include "trusted/enclave.h"
#include "trusted/instructions.h"
#include "trusted/plain_memory.h"
#include "trusted/report.h"

void random_bytes(void *to, size_t size)
{
    (void)to;
    (void)size;
    abort();
}

uint32_t enclu_key(const uint8_t *request, uint8_t *key)
{
    (void)request;
    (void)key;
    abort();
}

void report_make(const uint8_t targetinfo[TARGETINFO_SIZE], const uint8_t data[REPORT_DATA_SIZE],
                 uint8_t report[REPORT_SIZE])
{
    (void)targetinfo;
    (void)data;
    (void)report;
    abort();
}

bool equal_in_constant_time(const void *left, const void *right, size_t size)
{
    return memcmp(left, right, size) == 0;
}

void wipe(void *memory, size_t size)
{
    memset(memory, 0, size);
}
